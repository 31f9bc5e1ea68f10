"""Stands in for the AWS CLI in the test of exported scripts: the words that those scripts use, made into calls of AWS's SDK.

FAIL_ON names a command (`ec2 create-flow-logs`) that AWS refuses.
"""
import json
import os
import sys
import urllib.parse

import boto3
import botocore.config
import botocore.exceptions
import jmespath

NAMES = {"s3api": "s3", "configservice": "config", "deploy": "codedeploy"}


def local(request):
    path = urllib.parse.urlsplit(request.url)._replace(scheme="", netloc="").geturl()
    request.url = os.environ["AWS_ENDPOINT_URL"].rstrip("/") + path


def main(words):
    service, command, rest = words[0], words[1], words[2:]
    given = dict(zip(rest[::2], rest[1::2]))
    unknown = set(given) - {"--region", "--output", "--query", "--cli-input-json"}
    if unknown:
        sys.exit(f"unknown words: {unknown}")
    if os.environ.get("FAIL_ON") == f"{service} {command}":
        print("\nAn error occurred (AccessDenied) when calling the operation: refused", file=sys.stderr)
        return 254
    config = botocore.config.Config(inject_host_prefix=False, retries={"total_max_attempts": 1})
    client = boto3.client(
        NAMES.get(service, service), region_name=given["--region"], endpoint_url=os.environ["AWS_ENDPOINT_URL"],
        aws_access_key_id="t", aws_secret_access_key="t", config=config)
    # The account's own host of some services does not lead to moto.
    client.meta.events.register("before-send.*.*", lambda request, **_: local(request))
    methods = {name.replace("_", "-"): name for name in client.meta.method_to_api_mapping}
    try:
        answer = getattr(client, methods[command])(**json.loads(given.get("--cli-input-json", "{}")))
    except botocore.exceptions.ClientError as e:
        print(f"\nAn error occurred ({e.response['Error']['Code']}) when calling it: {e}", file=sys.stderr)
        return 254
    answer.pop("ResponseMetadata", None)
    found = jmespath.search(given["--query"], answer) if "--query" in given else answer
    if given["--output"] == "text":
        print(found)
    else:
        print(json.dumps(found, indent=4, ensure_ascii=False, default=str))
    return 0


sys.exit(main(sys.argv[1:]))
