#!/usr/bin/env python3
"""Makes, on moto, the resources that the checks' own fixtures describe, and prints as JSON what the fixtures say of them.

    pairs.py ENDPOINT ENDPOINT_OF_SINGLE CONTENT [CHECK…]

For each check a `pass` and a `fail` fixture become calls of AWS's SDK: fields of `this` go into members of the same name of the call that
creates such a resource; what has another name or a call of its own stands in recipes.yaml, by kind. A field that no call takes stops the
fixture: nothing is left away, so that what is made is what the fixture says. The verdict that is expected is the fixture's.

Prints {"made": [{"check", "fixture", "expect", "kind", "account", "id"}…], "left": {check: reason}, "unlisted": {check: the call that lists its
kind, which moto does not serve}, "wide": [checks that look into every Region]}. Checks of an account or Region as a whole get accounts of their own at the second endpoint, as many as there are fixtures that contradict each other: the
first one knows the policies that AWS manages, which it would read anew for each account.
"""
import hashlib
import json
import re
import sys
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from pathlib import Path

from fixture import agrees, at, known, read, strings
from maker import KINDS, OWN, RECIPES, Maker, World
from wire import REGION, CannotMake

FIXTURE_NOW = "2026-01-01T00:00:00Z"      # a fixture's time where it names none: crates/rule/src/fixture.rs
SINGLE = ("account", "region")


class Pairs:
    """What was made so far, and in which accounts."""

    def __init__(self, endpoint, of_single, content):
        self.of_single, self.main, self.singles, self.made = of_single, World(endpoint, OWN), [], []
        KINDS.update({k["id"]: k for k in map(read, sorted(Path(content, "resources").rglob("*.yaml")))})

    def fixture(self, check, name, case):
        """Makes what one fixture describes; where it is not for moto, says why."""
        for word, why in (("network", "whole networks"), ("settings", "settings"), ("regions", "Regions outside the scan")):
            if word in case:
                raise CannotMake(f"its fixtures are of {why}")
        single, this = check["each"] in SINGLE, case.get("this") or {}
        world = self.world(check, case) if single else self.main
        shift = datetime.now(timezone.utc) - datetime.fromisoformat(case.get("now", FIXTURE_NOW).replace("Z", "+00:00"))
        label = "y" + hashlib.sha256(f"{check['id']} {name}".encode()).hexdigest()[:10]
        # The account that the fixture is judged in: that of its own ARN, else the one that fixtures stand in.
        arns = [s for s in map(str, this.values()) if re.match(r"arn:aws:[a-z0-9-]+:[a-z0-9-]*:\d{12}:", s)]
        own = arns[0].split(":")[4] if arns else OWN

        symbols, makers, ident = {}, [], None
        for kind, asset, n in order(check, case, this):
            key = (kind, json.dumps(asset, sort_keys=True))
            if single and n is not None and key in world.settled:
                symbols.update(world.settled[key])
                continue
            maker = Maker(world, label if n is None else f"{label}{kind[:1]}{n}", asset, {}, shift, own)
            maker.given = given(kind)
            maker.remember()
            symbols.update(maker.symbols)
            makers.append((kind, n, key, maker))
        for kind, n, key, maker in makers:
            maker.symbols = symbols
            if kind in SINGLE:
                self.settle(world, maker, kind)
                ident = world.account if kind == "account" else REGION
                continue
            got = maker.make(kind, KINDS[kind].get("tags"))
            ident = got if n is None else ident
            stand_ins = [at(maker.this, field) for field in maker.given]
            world.settled[key] = {said: symbols[said] for said in stand_ins if isinstance(said, str) and said in symbols}
        self.made.append({"check": check["id"], "fixture": name, "expect": case["expect"], "kind": check["each"], "account": world.account, "id": ident})

    def world(self, check, case):
        """An account where nothing contradicts this fixture."""
        claims = {("field", check["each"], k): json.dumps(v, sort_keys=True) for k, v in (case.get("this") or {}).items()}
        for join, w in (check.get("with") or {}).items():
            claims["list", w["each"]] = json.dumps(case.get(join) or [], sort_keys=True)
        for world in self.singles:
            if all(world.claims.get(k, v) == v for k, v in claims.items()):
                world.claims.update(claims)
                return world
        world = World(self.of_single, f"{200000000001 + len(self.singles)}")
        world.claims.update(claims)
        self.singles.append(world)
        return world

    def settle(self, world, maker, kind):
        """Sets an account's or a Region's fields, each by its own call."""
        for field, value in maker.said.items():
            key = (kind, field, json.dumps(value, sort_keys=True))
            if key in world.settled:
                continue
            recipe = RECIPES[kind].get(field)
            if recipe is None:
                raise CannotMake(f"no call sets `{field}`")
            if value != "absent" and not ("is" in recipe and agrees(value, recipe["is"])):
                if "make" not in recipe:
                    raise CannotMake(f"on moto `{field}` is always {json.dumps(recipe['is'])}")
                used = set(re.findall(r"\$field\.(\w+)", json.dumps(recipe)))
                if used and not set(known(value)) <= used | {k for k, v in value.items() if v in ([], {})}:
                    raise CannotMake(f"no call sets all of `{field}`")
                for step in recipe["make"]:
                    maker.field = maker.real(known(value))
                    for maker.item in (maker.value(step["each"]) or []) if "each" in step else [None]:
                        maker.made.update(maker.step({**step, "once": True}) or {})
            elif value == "absent" and recipe.get("is", "absent") != "absent":
                raise CannotMake(f"on moto `{field}` is never absent")
            world.settled[key] = True

    def pair(self, check):
        """A good and a bad resource for a check, or why not."""
        for word in ("pass", "fail"):
            cases = [(str(n), c) for n, c in check["tests"].items() if c["expect"] == word]
            # Tags that only AWS can set come last.
            cases.sort(key=lambda c: "aws:" in json.dumps(c[1].get("this") or {}) and "tagged" in check["id"])
            whys = []
            for name, case in cases:
                why = left_out(f"{check['id']} / {name}")
                if why is None:
                    try:
                        self.fixture(check, name, case)
                        break
                    except CannotMake as e:
                        why = e.args[0]
                    except Exception as e:      # a recipe that asks for what is not there
                        why = f"{type(e).__name__}: {e}"
                whys.append(why)
            else:
                return f"{word}: {next((w for w in whys if 'settings' not in w), whys[0])}"
        return None


def given(kind):
    return RECIPES["kinds"].get(kind, {}).get("given", {})


def order(check, case, this):
    """The asset and those that it is joined with, in the order in which they refer to each other."""
    work = [(check["each"], this, None)]
    for join, said in (check.get("with") or {}).items():
        for n, asset in enumerate(case.get(join) or []):
            if said["each"] in SINGLE:
                if known(asset):
                    raise CannotMake("its fixtures set the account as a whole")
            elif (said["each"], asset) not in [w[:2] for w in work]:
                names = lambda a, kind, b: any(isinstance(a.get(f), str) and a[f] in strings(b) for f in given(kind))
                first = names(asset, said["each"], this) and not names(this, check["each"], asset)
                work.insert(0 if first else len(work), (said["each"], asset, n))
    return work


def left_out(name):
    """What recipes.yaml says of a check, a kind or a fixture."""
    return next((why for why, names in RECIPES["left_out"].items() for pattern in names if fnmatchcase(name, pattern)), None)


def main():
    endpoint, of_single, content, *only = sys.argv[1:]
    pairs, left, unlisted, wide, seen = Pairs(endpoint, of_single, content), {}, {}, [], set()
    for path in sorted(Path(content, "checks").rglob("*.yaml")):
        check = read(path)
        seen |= {check["id"]} | {f"{check['id']} / {name}" for name in check["tests"]}
        if only and check["id"] not in only:
            continue
        if any(w.get("across") == "all_regions" for w in (check.get("with") or {}).values()):
            wide.append(check["id"])
        told, listing = left_out(check["id"]), KINDS[check["each"]]["list"]
        if check["each"] not in RECIPES["kinds"] and isinstance(listing, dict) and "over" not in listing and not told:
            unlisted[check["id"]] = listing["call"]
        # What is left out is tried too, so that a reason that holds no more is found.
        why = pairs.pair(check)
        if told or why:
            left[check["id"]] = told or why
    stale = [p for names in RECIPES["left_out"].values() for p in names if not any(fnmatchcase(name, p) for name in seen)]
    if stale:
        sys.exit(f"recipes.yaml leaves out what there is not: {stale}")
    json.dump({"made": pairs.made, "left": left, "unlisted": unlisted, "wide": wide}, sys.stdout, default=str)


main()
