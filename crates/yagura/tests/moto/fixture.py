"""Fixtures as they stand in content files: reading them, and what they say at which path."""
import re
from pathlib import Path

import yaml


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """YAML 1.2, as the program reads it: `on` and `no` are words, `2026-01-01` is text."""


CHANGED = tuple(f"tag:yaml.org,2002:{t}" for t in ("bool", "int", "timestamp"))
Loader.yaml_implicit_resolvers = {k: [(t, e) for t, e in v if t not in CHANGED] for k, v in Loader.yaml_implicit_resolvers.items()}
Loader.add_implicit_resolver(CHANGED[0], re.compile("(?:true|True|TRUE|false|False|FALSE)$"), "tTfF")
Loader.add_implicit_resolver(CHANGED[1], re.compile("[-+]?[0-9]+$"), "-+0123456789")


def read(path):
    return yaml.load(Path(path).read_text(encoding="utf-8"), Loader)


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


def listed(value):
    return value if isinstance(value, list) else [value] if value else []


def agrees(said, fixed):
    if isinstance(said, dict) and isinstance(fixed, dict):
        return all(k in fixed and agrees(v, fixed[k]) for k, v in said.items())
    return said in fixed if isinstance(fixed, list) and not isinstance(said, list) else said == fixed
