"""Follows recipes.yaml: makes one asset of a fixture in one account of moto."""
import copy
import hashlib
import json
import re
from datetime import datetime
from pathlib import Path

from fixture import agrees, at, covers, known, laid_over, leaves, listed, plain, put, read, strings
from things import HELPERS
from wire import REGION, CannotMake, Wire, filler

OWN = "123456789012"                      # the account of fixtures (crates/rule/src/fixture.rs), and moto's
KINDS = {}                                # the content's kinds of resource
RECIPES = read(Path(__file__).parent / "recipes.yaml")
TAG_EC2 = {"call": "ec2:CreateTags", "with": {"Resources": ["$id"], "Tags": "$field"}}


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

    def __init__(self, world, name, this, symbols=None, shift=None, own=OWN):
        self.world, self.name, self.symbols, self.shift = world, name, symbols if symbols is not None else {}, shift
        self.said, self.this, self.made, self.item, self.field, self.given, self.kind = this, known(this), {}, None, None, {}, None
        self.recipe, self.apart, self.own = None, set(), own

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
