#!/usr/bin/env python3
"""Runs Prowler and Yagura beside each other on one moto server and compares what each says of every resource, check by check.

    python3 -m venv p && p/bin/pip install prowler          # an environment of its own: it pins older libraries
    python3 -m venv v && v/bin/pip install -r tests/requirements.txt
    v/bin/python scripts/prowler-differential.py --yagura target/release/yagura --prowler p/bin/prowler [--only CHECK…] [--accounts]

The estate is made from the fixtures of Yagura's checks (crates/yagura/tests/moto/pairs.py). scripts/prowler-checks.tsv says which check of
Prowler asks what one of Yagura asks, and, where the two answer otherwise on purpose, why. Prints a line for each pair of checks and ends
with 1 where they differ without a reason. No part of the tests: without Prowler or moto it says so and ends with 0.
"""
import argparse
import collections
import csv
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
OWN, REGION = "123456789012", "us-east-1"


def serve(**settings):
    """A moto server on a free port, and its address."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    main = f"from moto.server import main; main(['-H', '127.0.0.1', '-p', '{port}'])"
    server = subprocess.Popen([sys.executable, "-c", main], env={**os.environ, "MOTO_EC2_LOAD_DEFAULT_AMIS": "false", **settings},
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return server, f"http://127.0.0.1:{port}"
        except OSError:
            time.sleep(0.1)
    sys.exit("moto does not start")


def pairs():
    """(Prowler's checks, Yagura's checks, why they may differ) as the table has them."""
    with open(ROOT / "scripts/prowler-checks.tsv") as f:
        for row in csv.DictReader(f, delimiter="\t"):
            yield row["prowler"].split("+"), row["yagura"].split(","), row["why"]


def environment(url):
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
    return {**os.environ, **keys, "AWS_ENDPOINT_URL": url, "AWS_EC2_METADATA_DISABLED": "true"}


def prowler(program, url, checks, account):
    """{check: {resource: status}} as Prowler says it; manual answers left out."""
    with tempfile.TemporaryDirectory() as out:
        role = [] if account == OWN else ["--role", f"arn:aws:iam::{account}:role/audit"]
        done = subprocess.run([program, "aws", "-f", REGION, "--checks", *checks, "-M", "csv", "-o", out, "-F", "out", "--no-banner",
                               "--ignore-exit-code-3", *role], env=environment(url), capture_output=True, text=True, timeout=3000)
        said, found = collections.defaultdict(dict), list(pathlib.Path(out).glob("*.csv"))
        if not found:
            sys.exit(f"prowler wrote nothing: {done.stdout[-3000:]} {done.stderr[-3000:]}")
        for row in csv.DictReader(open(found[0]), delimiter=";"):
            if row["STATUS"] in ("PASS", "FAIL"):
                before = said[row["CHECK_ID"]].get(row["RESOURCE_UID"], ("PASS",))
                # A check that says several things of a resource fails it where one of them fails.
                if before[0] != "FAIL":
                    said[row["CHECK_ID"]][row["RESOURCE_UID"]] = (row["STATUS"], row["STATUS_EXTENDED"])
        return said


def yagura(program, url, checks, account):
    """{check: [({ARN, id}, status, reason or evidence)]} as Yagura says it."""
    role = [] if account == OWN else ["--role-arn", f"arn:aws:iam::{account}:role/audit"]
    done = subprocess.run([*program, "scan", "--region", REGION, "--format", "jsonl", "--check", ",".join(checks), *role],
                          env=environment(url), capture_output=True, text=True, timeout=3000)
    said = collections.defaultdict(list)
    for line in done.stdout.splitlines():
        v = json.loads(line)
        r = v["resource"]
        said[v["rule"]].append(({r["id"], r.get("arn")} - {None}, v["status"].upper(), v.get("reason") or json.dumps(v.get("evidence"))))
    if not said:
        sys.exit(f"yagura said nothing: {done.stderr[-3000:]}")
    return said


def same(names, resource):
    """Whether one of Yagura's names of a resource is Prowler's, which may end with a revision or what lies below it."""
    resource = re.sub(r":(\*|\d+)$", "", resource)
    return any(n == resource or resource.endswith(("/" + n, ":" + n)) for n in names)


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--yagura", default=str(ROOT / "target/release/yagura"))
    words.add_argument("--prowler", default="prowler")
    words.add_argument("--content", default=str(ROOT / "content"))
    words.add_argument("--only", nargs="*", help="checks of Yagura")
    words.add_argument("--accounts", action="store_true", help="accounts and Regions as a whole too (many more runs)")
    words.add_argument("--details", action="store_true", help="each difference with what both say")
    given = words.parse_args()
    try:
        import moto.server  # noqa: F401
        subprocess.run([given.prowler, "--version"], capture_output=True, check=True)
    except (ImportError, OSError, subprocess.CalledProcessError) as e:
        print(f"not compared: {e} is missing")
        return 0
    table = [t for t in pairs() if not given.only or set(t[1]) & set(given.only)]
    ours = sorted({c for t in table for c in t[1]})
    many, of_many = serve(MOTO_IAM_LOAD_MANAGED_POLICIES="true")
    single, of_single = serve()
    try:
        made = json.loads(subprocess.run([sys.executable, ROOT / "crates/yagura/tests/moto/pairs.py", of_many, of_single, given.content, *(given.only or [])],
                                         capture_output=True, text=True, check=True).stdout)["made"]
        places = [(of_many, OWN, {m["check"] for m in made if m["account"] == OWN})]
        if given.accounts:
            alone = collections.defaultdict(set)
            for m in made:
                if m["kind"] in ("account", "region"):
                    alone[m["account"]].add(m["check"])
            places += [(of_single, account, checks) for account, checks in sorted(alone.items())]
        sums, lines = collections.Counter(), collections.defaultdict(collections.Counter)
        details = collections.defaultdict(list)
        for url, account, there in places:
            here = [t for t in table if account == OWN or set(t[1]) & there]
            if not here:
                continue
            theirs = prowler(given.prowler, url, sorted({c for t in here for c in t[0]}), account)
            mine = yagura([given.yagura, "--content", given.content], url, sorted({c for t in here for c in t[1]}), account)
            for peers, checks, why in here:
                key = ("+".join(peers), ",".join(checks))
                compare(peers, checks, theirs, mine, lines[key], details[key])
        for peers, checks, why in table:
            key = ("+".join(peers), ",".join(checks))
            n = lines[key]
            sums["pairs with a resource"] += n["agreed"] + n["differ"] > 0
            sums["agreed"] += n["agreed"]
            sums["unknown"] += n["unknown"]
            sums["explained" if why else "unexplained"] += n["differ"]
            mark = "·" if n["agreed"] + n["differ"] == 0 else "✓" if not n["differ"] else "≠" if why else "✗"
            print(f"{mark} {key[0]} = {key[1]}: {n['agreed']} agreed, {n['differ']} differ, {n['unknown']} unknown to Yagura, {n['unmatched']} only Prowler's"
                  + (f" — {why}" if n["differ"] and why else ""))
            if given.details and (n["differ"] or n["unknown"] or n["unmatched"] or n["alone"]):
                print(*(f"      {d}" for d in details[key][:12]), sep="\n")
        compared = sums["agreed"] + sums["explained"] + sums["unexplained"]
        print(f"{sums['pairs with a resource']} of {len(table)} pairs of checks had a resource to judge; {compared} verdicts compared: {sums['agreed']} agree "
              f"({100 * sums['agreed'] / max(compared, 1):.1f} %), {sums['explained']} differ for a known reason, {sums['unexplained']} without one; "
              f"{sums['unknown']} unknown to Yagura")
        return 1 if sums["unexplained"] else 0
    finally:
        many.terminate()
        single.terminate()


def compare(peers, checks, theirs, mine, n, details):
    """Counts, for every resource that Prowler judged, whether Yagura says the same."""
    told, met = collections.defaultdict(list), set()
    for p in peers:
        for resource, said in theirs.get(p, {}).items():
            told[resource].append(said)
    own = [v for c in checks for v in mine.get(c, [])]
    if len(own) == 1 and own[0][0] & {OWN, REGION} | {i for i in own[0][0] if re.fullmatch(r"\d{12}", i)}:
        # Yagura judges the account or the Region as a whole, Prowler what is in it.
        told = {"as a whole": [said for resource in told.values() for said in resource]} if told else {}
    for resource, said in sorted(told.items()):
        found = [v for v in own if resource == "as a whole" or same(v[0], resource)]
        met |= {id(v) for v in found}
        their, yours = ("FAIL" if "FAIL" in [s[0] for s in said] else "PASS"), {v[1] for v in found}
        verdict = next((s for s in ("FAIL", "UNKNOWN", "PASS", "NOT_APPLICABLE") if s in yours), None)
        count = ("unmatched" if verdict is None else "unknown" if verdict == "UNKNOWN" else "agreed" if verdict == their
                 else "outside" if (verdict, their) == ("NOT_APPLICABLE", "PASS") else "differ")
        n[count] += 1
        if count not in ("agreed", "outside"):
            details.append(f"{count}: {resource} Prowler {their} ({said[0][1][:160]}) Yagura {verdict} {found[0][2][:200] if found else ''}")
    for v in own:
        if id(v) not in met:
            n["alone"] += 1


if __name__ == "__main__":
    sys.exit(main())
