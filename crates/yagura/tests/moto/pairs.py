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
import copy
import hashlib
import json
import re
import sys
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

from things import HELPERS
from wire import REGION, CannotMake, Wire, filler

OWN = "123456789012"
FIXTURE_NOW = "2026-01-01T00:00:00Z"      # a fixture's time where it names none: crates/rule/src/fixture.rs
SINGLE = ("account", "region")
KINDS = {}                                # the content's kinds of resource
DROPPED = {}                              # fixtures that left_out names
TAG_EC2 = {"call": "ec2:CreateTags", "with": {"Resources": ["$id"], "Tags": "$field"}}


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """YAML 1.2, as the program reads it: `on` and `no` are words, `2026-01-01` is text."""


CHANGED = tuple(f"tag:yaml.org,2002:{t}" for t in ("bool", "int", "timestamp"))
Loader.yaml_implicit_resolvers = {k: [(t, e) for t, e in v if t not in CHANGED] for k, v in Loader.yaml_implicit_resolvers.items()}
Loader.add_implicit_resolver(CHANGED[0], re.compile("(?:true|True|TRUE|false|False|FALSE)$"), "tTfF")
Loader.add_implicit_resolver(CHANGED[1], re.compile("[-+]?[0-9]+$"), "-+0123456789")


def read(path):
    return yaml.load(Path(path).read_text(encoding="utf-8"), Loader)


RECIPES = read(Path(__file__).parent / "recipes.yaml")


def at(value, path):
    """`a.b[0]` of a value, or None."""
    parts = re.findall(r"[^.\[\]]+", path)
    for n, part in enumerate(parts):
        if isinstance(value, list) and not part.isdigit():
            return [at(v, ".".join(parts[n:])) for v in value]
        if isinstance(value, list):
            value = value[int(part)] if int(part) < len(value) else None
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return value


def plain(path):
    """A path without the places in lists."""
    return re.sub(r"\[\d*\]", "", path)


def leaves(value, path=""):
    """The paths where a fixture says something: what is absent or empty is nothing to make."""
    if isinstance(value, dict):
        for k, v in value.items():
            yield from leaves(v, f"{path}.{k}" if path else k)
    elif isinstance(value, list):
        for v in value:
            yield from leaves(v, path)
    elif value != "absent":
        yield path


def covers(taken, leaf):
    return any(leaf == t or leaf.startswith(t + ".") for t in taken)


def known(value):
    """A fixture's value without what it calls absent."""
    if isinstance(value, dict):
        return {k: known(v) for k, v in value.items() if v != "absent"}
    return [known(v) for v in value] if isinstance(value, list) else value


def laid_over(base, top):
    """Fields of `top` in those of `base`; lists are replaced, their items laid over the first of `base`."""
    if isinstance(base, dict) and isinstance(top, dict):
        return {**base, **{k: laid_over(base[k], v) if k in base else v for k, v in top.items()}}
    if isinstance(base, list) and isinstance(top, list) and base and isinstance(base[0], dict):
        return [laid_over(base[0], item) for item in top]
    return top


def put(params, path, value):
    *way, last = path.split(".")
    for part in way:
        params = params.setdefault(part, {})
    if value is None:
        params.pop(last, None)
    else:
        params[last] = value


def strings(value):
    if isinstance(value, dict):
        return {s for v in value.values() for s in strings(v)}
    if isinstance(value, list):
        return {s for v in value for s in strings(v)}
    return {value} if isinstance(value, str) else set()


class World:
    """One account: what is made there once, and what a fixture of it says that others must not contradict."""

    def __init__(self, endpoint, account):
        self.account, self.wire = account, Wire(endpoint, account, OWN)
        self.once, self.claims, self.settled = {"account": account, "region": REGION}, {}, {}

    def shared(self, name):
        if name not in self.once:
            recipe = RECIPES["shared"].get(name)
            if recipe is None:
                raise CannotMake(f"`{name}` is not a shared thing")
            if isinstance(recipe, str):
                self.once[name] = recipe.replace("{account}", self.account).replace("{region}", REGION)
            else:
                maker = Maker(self, "shared" + hashlib.sha256(f"{name} {self.account}".encode()).hexdigest()[:8], {})
                for step in recipe["make"] if "make" in recipe else [recipe]:
                    maker.made.update(maker.step(step) or {})
                self.once[name] = maker.value(recipe["take"])
        return self.once[name]


    def unserved(self, kind):
        """Why there is no recipe for a kind: moto does not even list it."""
        call = KINDS[kind]["list"]["call"]
        try:
            self.wire.call(call, {}, filler("a", self.shared))
        except CannotMake as e:
            return e.args[0]
        return f"no recipe, although moto serves {call}"


class Maker:
    """Makes one asset of a fixture."""

    def __init__(self, world, name, this, symbols=None, shift=None):
        self.world, self.name, self.symbols, self.shift = world, name, symbols if symbols is not None else {}, shift
        self.said, self.this, self.made, self.item, self.field, self.given, self.kind = this, known(this), {}, None, None, {}, None
        self.recipe, self.apart, self.own = None, set(), OWN

    def real(self, value):
        """A fixture's value with what AWS gives out in the place of the fixture's stand-ins, and dates as far from now as the fixture's."""
        if isinstance(value, dict):
            return {k: self.real(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.real(v) for v in value]
        if not isinstance(value, str):
            return value
        if value in self.symbols:
            return self.symbols[value]
        if value.startswith('{"Statement"'):
            value = '{"Version":"2012-10-17",' + value[1:]      # without it a policy is of 2008, which moto does not take
        for symbol, got in self.symbols.items():
            if isinstance(got, str) and got and symbol and not value.startswith("arn:aws:iam::aws:"):
                # A short stand-in is looked for only where a name must stand.
                before, after = (r"(?<=[:/])", "$") if len(symbol) < 4 else (r'(?<=[:/"])', r'(?=["/:*\\]|$)')
                value = re.sub(before + re.escape(symbol) + after, lambda _: got, value)
                value = re.sub(r"(?<=:::)" + re.escape(symbol) + r'(?=["/*])', lambda _: got, value)
        if self.shift is not None and re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]+(Z|\+00:00)", value):
            return datetime.fromisoformat(value.replace("Z", "+00:00")) + self.shift
        return re.sub(rf"\b{self.own}\b", self.world.account, value)

    def look(self, reference):
        """What `$reference` stands for; of `$one|other`, the first that is there."""
        if "|" in reference:
            return next((found for found in map(self.look, reference.split("|")) if found is not None), None)
        head, _, path = reference.partition(".")
        if "[" in head:
            head, path = head[:head.index("[")], reference[head.index("["):]
        if head in ("this", "made", "item", "field"):
            source = self.real(self.this) if head == "this" else getattr(self, head)
            return at(source, path) if path else source
        if head == "id":
            return self.value(RECIPES["kinds"][self.kind].get("id", "$name"))
        if head == "name":
            return self.name
        if head in HELPERS:
            found = HELPERS[head](self)
            return at(found, path) if path else found
        return self.world.shared(head)

    def value(self, template):
        """A recipe's value, with what its references stand for; None where there is nothing."""
        if isinstance(template, dict):
            out = {k: self.value(v) for k, v in template.items()}
            return {k: v for k, v in out.items() if v is not None}
        if isinstance(template, list):
            return [self.value(v) for v in template]
        if not isinstance(template, str) or template.startswith("$$"):
            return template[1:] if isinstance(template, str) else template
        if template.startswith("$"):
            return copy.deepcopy(self.look(template[1:]))
        return re.sub(r"\{([a-z_]+(?:[.\[][\w.\[\]]*)?)\}", lambda m: str(self.look(m[1])), template)

    def step(self, step, taken=None, tags=None):
        params = self.value(step.get("with", {}))
        if step.get("once") and (step["call"], str(params)) in self.world.settled:
            return {}
        self.world.settled[step["call"], str(params)] = True
        members = {m.lower(): m for m in self.world.wire.members(step["call"])}
        for field, value in (self.said.items() if taken is not None and "for" not in step else ()):
            member = members.get(field.lower()) or (members.get("tags") if field == tags else None)
            if member and field not in step.get("not", ()) and field not in self.apart:
                taken.add(field)
                put(params, member, None if value == "absent" else laid_over(params.get(member), self.real(known(value))))
        for path, field in step.get("map", {}).items():
            value = at(self.real(self.this), field)
            if taken is not None:
                taken.add(plain(field))
            if value is not None:
                put(params, path, laid_over(at(params, path), value))
            elif at(self.said, plain(field)) == "absent":
                put(params, path, None)
        return self.world.wire.call(step["call"], params, filler(self.name, self.world.shared))

    def make(self, kind, tags):
        """Makes the asset; its id."""
        self.kind, self.recipe = kind, RECIPES["kinds"].get(kind)
        recipe = self.recipe
        if recipe is None:
            raise CannotMake(self.world.unserved(kind))
        self.given = recipe.get("given", {})
        self.remember()
        for field, stand_ins in recipe.get("swap", {}).items():
            found = sorted(strings(at(self.this, field)))
            if isinstance(stand_ins, dict):
                pairs = [(symbol, next(t for mark, t in stand_ins.items() if mark in symbol)) for symbol in found]
            else:
                pairs = zip(found, listed(stand_ins))
            for symbol, stand_in in pairs:
                self.symbols.setdefault(symbol, symbol if stand_in == "$same" else self.value(stand_in))
        steps = list(recipe["make"])
        taken = {plain(f) for f in [*self.given, *recipe.get("told", ())]} | set(re.findall(r"\$this\.([\w.]+)", plain(json.dumps(steps))))
        taken |= {plain(f) for f, said in recipe.get("is", {}).items() if at(self.this, f) is None or agrees(at(self.this, f), said)}
        self.apart = {plain(f) for f in [*self.given, *recipe.get("told", ()), *recipe.get("is", {})]} | {
            plain(f) for step in steps for f in listed(step.get("for"))} | set(re.findall(r"\$this\.(\w+)", json.dumps(steps)))
        tagging = None if "tag_type" in recipe else recipe.get("tags") or (TAG_EC2 if kind.startswith("ec2.") and "tag_type" not in recipe else None)
        if "tag_type" in recipe:
            taken.add(tags)
        if tagging and tags in self.said:
            taken.add(tags)
            if at(self.this, tags):
                steps.append({**tagging, "for": tags})
        for step in steps:
            fields = [f for f in listed(step.get("for")) if at(self.this, f) is not None]
            self.field = at(self.real(self.this), fields[0]) if fields else None
            if step.get("for") and (not fields or "if" in step and self.field != step["if"]):
                continue
            taken |= {plain(f) for f in listed(step.get("for"))}
            for self.item in self.value(step["each"]) if "each" in step else [None]:
                answer = self.step(step, taken, tags) or {}
                self.made.update({step["as"]: answer} if "as" in step else answer)
                self.remember()
        left = [leaf for leaf in leaves(self.said) if not covers(taken, leaf)]
        for leaf in left:
            for field, said in recipe.get("is", {}).items():
                if covers([plain(field)], leaf):
                    raise CannotMake(f"on moto `{field}` is always {json.dumps(said)}")
            raise CannotMake(f"no call sets `{leaf}`")
        made = self.value(recipe.get("id", "$name"))
        if made is None:
            raise CannotMake(f"moto made no {kind}, and did not say why")
        return made

    def remember(self):
        """Learns what AWS gave for the fixture's stand-ins."""
        for field, source in self.given.items():
            said, got = at(self.this, field), self.value(source)
            if isinstance(said, str) and got is not None:
                self.symbols[said] = got
                if "/" in said and "/" in str(got) and ":" not in said:
                    self.symbols[said.rpartition("/")[2]] = got.rpartition("/")[2]


def dropped(fixture):
    return next((why for pattern, why in DROPPED.items() if fnmatchcase(fixture, pattern)), None)


def listed(value):
    return value if isinstance(value, list) else [value] if value else []


def agrees(said, fixed):
    if isinstance(said, dict) and isinstance(fixed, dict):
        return all(k in fixed and agrees(v, fixed[k]) for k, v in said.items())
    return said in fixed if isinstance(fixed, list) and not isinstance(said, list) else said == fixed


class Pairs:
    def __init__(self, endpoint, of_single, content):
        self.of_single, self.main, self.singles = of_single, World(endpoint, OWN), []
        KINDS.update({k["id"]: k for k in map(read, sorted(Path(content, "resources").rglob("*.yaml")))})
        self.made = []

    def fixture(self, check, name, case):
        """Makes what one fixture describes; where it is not for moto, says why."""
        for word, why in (("network", "its fixtures are whole networks: moto.rs builds one"), ("settings", "its fixtures set settings"), ("regions", "its fixtures leave Regions out")):
            if word in case:
                raise CannotMake(why)
        joins = check.get("with") or {}
        shift = datetime.now(timezone.utc) - datetime.fromisoformat(case.get("now", FIXTURE_NOW).replace("Z", "+00:00"))
        single = check["each"] in SINGLE
        world = self.world(check, case) if single else self.main
        label = "y" + hashlib.sha256(f"{check['id']} {name}".encode()).hexdigest()[:10]
        symbols = {}
        this = case.get("this") or {}
        work = [(check["each"], this, None)]
        lists = {j: {"kind": w["each"], "items": case.get(j) or []} for j, w in joins.items()}
        for join in lists.values():
            for n, asset in enumerate(join["items"]):
                entry = (join["kind"], asset, n)
                if join["kind"] in SINGLE:
                    if known(asset):
                        raise CannotMake("it joins the account as a whole")
                    continue
                if entry[:2] in [w[:2] for w in work]:
                    continue
                needs = RECIPES["kinds"].get(join["kind"], {}).get("given", {})
                first = any(isinstance(asset.get(f), str) and asset[f] in strings(this) for f in needs) and not any(
                    isinstance(this.get(f), str) and this[f] in strings(asset) for f in RECIPES["kinds"].get(check["each"], {}).get("given", {}))
                work.insert(0 if first else len(work), entry)
        # The account that the fixture is judged in: that of its own ARN, else the one that fixtures stand in.
        arns = [s for s in map(str, this.values()) if re.match(r"arn:aws:[a-z0-9-]+:[a-z0-9-]*:\d{12}:", s)]
        own = arns[0].split(":")[4] if arns else OWN
        ident, makers = None, []
        for kind, asset, n in work:
            maker = Maker(world, label if n is None else f"{label}{kind[:1]}{n}", asset, {}, shift)
            maker.given = RECIPES["kinds"].get(kind, {}).get("given", {})
            key = (kind, json.dumps(asset, sort_keys=True, default=str))
            if single and key in world.settled and kind not in SINGLE:
                symbols.update(world.settled[key])
                continue
            maker.own = own
            maker.remember()
            symbols.update(maker.symbols)
            makers.append((kind, n, key, maker))
        for kind, n, key, maker in makers:
            maker.symbols = symbols
            if kind in SINGLE:
                self.settle(world, maker, kind)
                ident = world.account if kind == "account" else REGION
            else:
                got = maker.make(kind, KINDS[kind].get("tags"))
                ident = got if n is None else ident
                world.settled[key] = {said: symbols[said] for field in maker.given if isinstance(said := at(maker.this, field), str) and said in symbols}
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
            why = None
            for name, case in cases:
                if (said := dropped(f"{check['id']} / {name}")) is not None:
                    why = said
                    continue
                try:
                    self.fixture(check, name, case)
                    break
                except CannotMake as e:
                    if why is None or "settings" in why or "aws:" in json.dumps(case.get("this") or {}):
                        why = e.args[0]
                except Exception as e:      # a recipe that asks for what is not there
                    why = why or f"{type(e).__name__}: {e}"
            else:
                return f"{word}: {why}"
        return None


def main():
    endpoint, of_single, content, *only = sys.argv[1:]
    pairs, left, unlisted, wide = Pairs(endpoint, of_single, content), {}, {}, []
    told = {check: why for why, checks in RECIPES["left_out"].items() for check in checks if " / " not in check}
    DROPPED.update({check: why for why, checks in RECIPES["left_out"].items() for check in checks if " / " in check})
    for path in sorted(Path(content, "checks").rglob("*.yaml")):
        check = read(path)
        if only and check["id"] not in only:
            continue
        if any(w.get("across") == "all_regions" for w in (check.get("with") or {}).values()):
            wide.append(check["id"])
        listing = KINDS[check["each"]]["list"]
        if check["each"] not in RECIPES["kinds"] and isinstance(listing, dict) and "over" not in listing and check["id"] not in told:
            unlisted[check["id"]] = listing["call"]
        why = told.get(check["id"]) or told.get(check["each"]) or pairs.pair(check)
        if why:
            left[check["id"]] = why
    pairs.made = [m for m in pairs.made if m["check"] not in left]
    json.dump({"made": pairs.made, "left": left, "unlisted": unlisted, "wide": wide}, sys.stdout, default=str)


main()
