#!/usr/bin/env python3
"""Writes content/custodian/aws.json: which resources, filters and actions Cloud Custodian knows, and which keys each takes.

Read from the schema that an installed `c7n` prints of itself (names, types, choices: its interface). Usage:
    python3 -m venv v && v/bin/pip install c7n && v/bin/python scripts/custodian-facts.py
The same release of c7n gives the same bytes.
"""
import json
import pathlib

import boto3
from c7n import schema
from c7n.filters import AgeFilter
from c7n.filters.iamaccess import CrossAccountAccessFilter
from c7n.filters.related import RelatedResourceFilter
from c7n.resources import load_available
from c7n.provider import clouds
from c7n.version import version

DROPPED = {"title", "description", "$schema", "id", "default"}


def lean(node, named=False):
    """A schema without what only people read. Below `properties` the keys are names, and stay."""
    if isinstance(node, dict):
        return {k: lean(v, k in ("properties", "patternProperties")) for k, v in sorted(node.items())
                if named or k not in DROPPED or isinstance(v, dict) and k != "default"}
    return [lean(v) for v in node] if isinstance(node, (list, tuple)) else node


def traits(manager):
    """What the classes behind a resource's filters say of themselves: which other resource, by which path, which date."""
    related, age, policy = {}, {}, {}
    for name, kind in sorted(manager.filter_registry.items()):
        if issubclass(kind, RelatedResourceFilter) and isinstance(kind.RelatedIdsExpression, str):
            related[name] = [(kind.RelatedResource or "").rsplit(".", 1)[-1], kind.RelatedIdsExpression]
            if name == "kms-key":
                related[name][0] = "Key"
        if issubclass(kind, AgeFilter) and isinstance(kind.date_attribute, str):
            age[name] = kind.date_attribute
        if issubclass(kind, CrossAccountAccessFilter):
            policy[name] = getattr(kind, "policy_attribute", "Policy") or ""
    return {k: v for k, v in (("related", related), ("age", age), ("policy", policy)) if v}


def main():
    load_available()
    full = json.loads(json.dumps(schema.generate(), default=str))
    definitions = full["definitions"]
    session = boto3.Session(region_name="us-east-1", aws_access_key_id="never", aws_secret_access_key="used")
    pool, index = [], {}

    def pooled(node):
        text = json.dumps(lean(node), sort_keys=True)
        if text not in index:
            index[text] = len(pool)
            pool.append(json.loads(text))
        return index[text]

    resources = {}
    for name, spec in sorted(definitions["resources"].items()):
        if not name.startswith("aws."):
            continue
        short = name[4:]
        kind = clouds["aws"].resources.get(short).resource_type
        regions = [] if short == "account" else session.get_available_regions(kind.service)
        entry = {
            "id": getattr(kind, "id", None) or "",
            "cloudformation": getattr(kind, "cfn_type", None) or "",
            "filters": {k: pooled(v) for k, v in sorted(spec.get("filters", {}).items())},
            "actions": {k: pooled(v) for k, v in sorted(spec.get("actions", {}).items())},
        }
        entry["names"] = sorted(n for n in clouds["aws"].resources.keys()
                                if clouds["aws"].resources.get(n) is clouds["aws"].resources.get(short) and n != short)
        entry["date"] = getattr(kind, "date", None) or ""
        # Names that the list of filters allows bare may go beyond those with a schema of their own.
        bare = lambda part: next((o["enum"] for o in spec["policy"]["allOf"][1]["properties"][part]["items"]["anyOf"]
                                  if "enum" in o), [])
        entry["filters"].update({n: -1 for n in bare("filters") if n not in entry["filters"]
                                 and n not in ("and", "or", "not", "value", "event", "reduce")})
        entry["actions"].update({n: -1 for n in bare("actions") if n not in entry["actions"]})
        if not regions:
            entry["global"] = True
        entry.update(traits(clouds["aws"].resources.get(short)))
        resources[short] = entry
    common = {k: lean(definitions[k], k in ("actions", "filters", "filters_common"))
              for k in ("string_dict", "basic_dict", "iam-statement", "actions", "filters", "filters_common",
                        "policy", "policy-mode", "max-resources-properties")}
    modes = common["policy-mode"]
    out = {"version": version, "definitions": common, "schemas": pool, "resources": resources}
    path = pathlib.Path(__file__).resolve().parent.parent / "content/custodian/aws.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(out, sort_keys=True, separators=(",", ":")) + "\n")
    print(path, path.stat().st_size, "bytes,", len(resources), "resources,", len(pool), "schemas", len(str(modes)))


main()
