"""Calls of AWS's own SDK at an endpoint, with parameters fitted to what the service's model says they are."""
import datetime
import re

import boto3
import botocore.exceptions
import botocore.parsers
from botocore.config import Config

REGION = "us-east-1"
SERVICES = {"elb": "elb", "cloudwatch": "cloudwatch", "stepfunctions": "stepfunctions"}   # named here as in the SDK


class CannotMake(Exception):
    """Why a resource cannot be made; the first argument is told to a person."""


class Wire:
    """One account's calls."""

    def __init__(self, endpoint, account, own):
        self.endpoint, self.account, self.clients = endpoint, account, {}
        self.keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        if account != own:
            role = f"arn:aws:iam::{account}:role/seed"
            keys = self.client("sts").assume_role(RoleArn=role, RoleSessionName="seed")["Credentials"]
            self.keys = {"aws_access_key_id": keys["AccessKeyId"], "aws_secret_access_key": keys["SecretAccessKey"], "aws_session_token": keys["SessionToken"]}
            self.clients = {}

    def client(self, service):
        if service not in self.clients:
            c = boto3.client(service, region_name=REGION, endpoint_url=self.endpoint, config=Config(retries={"max_attempts": 0}, read_timeout=20, inject_host_prefix=False), **self.keys)
            # The SDK puts the account before the host for S3 Control, which an address cannot bear.
            c.meta.events.register("before-sign.s3-control.*", lambda request, **_: setattr(request, "url", request.url.replace(f"//{self.account}.", "//")))
            self.clients[service] = c
        return self.clients[service]

    def members(self, call):
        """What a call takes: names and shapes."""
        shape = self.shape(call)
        return shape.members if shape else {}

    def shape(self, call):
        service, operation = call.split(":")
        try:
            return self.client(service).meta.service_model.operation_model(operation).input_shape
        except Exception as e:
            raise CannotMake(f"{call}: {e}") from e

    def call(self, call, params, fill):
        """The answer; required members that are missing come from `fill(name, shape)`."""
        service, operation = call.split(":")
        shape = self.shape(call)
        params = fitted(params, shape, fill) if shape else {}
        client = self.client(service)
        method = next(m for m, o in client.meta.method_to_api_mapping.items() if o == operation)
        try:
            return getattr(client, method)(**params)
        except botocore.exceptions.ClientError as e:
            code, text = e.response["Error"].get("Code", ""), e.response["Error"].get("Message", "")
            if "<!doctype html>" in text:
                raise CannotMake(f"moto does not serve {call} (HTTP {code})") from e
            raise CannotMake(f"moto answers {call} with {code}: {text[:160]}") from e
        except botocore.parsers.ResponseParserError as e:
            raise CannotMake(f"moto does not serve {call}, or not so (HTTP 500)") from e
        except botocore.exceptions.BotoCoreError as e:
            raise CannotMake(f"{call}: {str(e)[:200]}") from e


def fitted(value, shape, fill, name=""):
    """`value` in the form of `shape`: tags as list or map, numbers and words as asked for, what is required and missing filled in."""
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            raise CannotMake(f"`{name}` is not a structure")
        by_name = {m.lower(): m for m in shape.members}
        out = {}
        for key, inner in value.items():
            member = key if key in shape.members else by_name.get(key.lower())
            if member is None:
                raise CannotMake(f"no call takes `{name}.{key}`")
            out[member] = fitted(inner, shape.members[member], fill, member)
        for member in shape.required_members:
            if member not in out:
                out[member] = fitted(fill(member, shape.members[member]), shape.members[member], fill, member)
        return out
    if kind == "list":
        if isinstance(value, dict) and shape.member.type_name == "structure":
            value = [{"Key": k, "Value": v} for k, v in value.items()]
        return [fitted(tag(v, shape.member), shape.member, fill, name) for v in value]
    if kind == "map":
        if isinstance(value, list):
            value = {low(v)["key"]: low(v)["value"] for v in value}
        return {k: fitted(v, shape.value, fill, name) for k, v in value.items()}
    if kind == "string" and isinstance(value, bool):
        return "true" if value else "false"
    if kind == "boolean" and isinstance(value, str) and value.lower() in ("true", "false", "enabled", "disabled", "enable", "disable"):
        return value.lower() in ("true", "enabled", "enable")
    if kind == "string" and isinstance(value, (int, float)):
        return str(value)
    if kind in ("integer", "long") and isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return int(value)
    if kind == "string" and isinstance(value, str) and len(value) < shape.metadata.get("min", 0) and not shape.enum:
        return value.ljust(shape.metadata["min"], " " if value.startswith("{") else "x")      # a stand-in's name, too short for the call
    return value


def low(item):
    return {k.lower().removeprefix("tag"): v for k, v in item.items()}


def tag(item, shape):
    """A tag spelt as this call spells tags."""
    if isinstance(item, dict) and shape.type_name == "structure" and {k.lower() for k in item} == {"key", "value"} and not set(item) <= set(shape.members):
        return {m: low(item)[m.lower().removeprefix("tag")] for m in shape.members if m.lower().removeprefix("tag") in low(item)}
    return item


def filler(name_of_this, shared):
    """What goes into required members that a fixture does not speak of."""
    def fill(name, shape):
        kind = shape.type_name
        if kind == "structure":
            return {}
        if kind == "list":
            if "subnet" in name.lower():
                return [shared("subnet_a"), shared("subnet_b")]
            return [fill(name, shape.member)]
        if kind == "map":
            return {}
        if kind == "boolean":
            return False
        if kind in ("integer", "long", "float", "double"):
            return max(shape.metadata.get("min", 1), 1)
        if kind == "timestamp":
            return datetime.datetime.now(datetime.timezone.utc)
        if kind == "blob":
            return b"{}"
        if shape.enum:
            return shape.enum[0]
        word = name.lower()
        if "rolearn" in word or word in ("role", "iamrole", "servicerole"):
            return shared("role")
        if "subnet" in word:
            return shared("subnet_a")
        if "s3uri" in word or "s3output" in word:
            return "s3://" + shared("bucket") + "/x"
        if "bucket" in word:
            return shared("bucket")
        if word.endswith("arn"):
            return f"arn:aws:iam::{shared('account')}:role/{name_of_this}"
        if word.endswith(("name", "identifier", "id")):
            return name_of_this
        return "x" * max(shape.metadata.get("min", 1), 1)
    return fill
