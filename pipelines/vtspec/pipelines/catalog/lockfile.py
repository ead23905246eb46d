"""A framework's `requirements.txt`: which versions it locks, and what they hash to. Pure.

The file is uv's export: a line `name==version ; marker` for each package, continued by lines of
`--hash=…`. A name may stand there several times, with markers that exclude each other (numpy has
one version for Python 3.11 and another from 3.12 on): reading it takes the environment meant.
"""

import ast
import hashlib
import platform
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Final

_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;]+)\s*(?:;\s*(.*?))?\s*$")
_VERSIONS: Final = frozenset({"python_version", "python_full_version"})


def parse_locked_versions(
    requirements: str, environment: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Distribution name, normalised (PEP 503) → the version locked for that environment.

    `environment` holds PEP 508 marker variables, as `build_marker_environment` gives them; this
    interpreter's where it is left out. Raises ValueError for a line that locks nothing or whose
    marker has a form that uv does not write.
    """
    variables = build_marker_environment() if environment is None else environment
    found: dict[str, str] = {}
    for line in _iter_logical_lines(requirements):
        match = _REQUIREMENT.match(line.partition(" --hash=")[0])
        if match is None:
            raise ValueError(f"not a locked requirement: {line!r}")
        name, version, marker = match.groups()
        if marker is None or marker_holds(marker, variables):
            found[normalize_distribution(name)] = version
    return found


def hash_requirements(requirements: str) -> str:
    """`sha256:…` over what the file locks; comments, order and white space do not count."""
    lines = sorted(
        " ".join(sorted(line.split(" --hash="))) for line in _iter_logical_lines(requirements)
    )
    return "sha256:" + hashlib.sha256("\n".join(lines).encode()).hexdigest()


def build_marker_environment(
    *, python_full_version: str | None = None, sys_platform: str | None = None
) -> dict[str, str]:
    """The PEP 508 variables of this interpreter, or of one that has another version or system."""
    full = python_full_version or platform.python_version()
    return {
        "python_version": ".".join(full.split(".")[:2]),
        "python_full_version": full,
        "sys_platform": sys_platform or sys.platform,
        "platform_machine": platform.machine(),
        "platform_system": platform.system(),
        "platform_python_implementation": platform.python_implementation(),
        "implementation_name": sys.implementation.name,
        "os_name": "posix",
    }


def marker_holds(marker: str, environment: Mapping[str, str]) -> bool:
    """Whether a PEP 508 marker of a form that uv writes is true there; ValueError for others."""
    try:
        tree = ast.parse(marker, mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"not a marker: {marker!r}") from error
    return _holds(tree, environment)


def normalize_distribution(distribution: str) -> str:
    """The name as package indexes compare it (PEP 503): lower case, one hyphen."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _iter_logical_lines(requirements: str) -> Iterator[str]:
    for line in requirements.replace("\\\n", " ").splitlines():
        content = line.partition("#")[0]
        if content.strip():
            yield " ".join(content.split())


def _holds(node: ast.expr, environment: Mapping[str, str]) -> bool:
    # A marker is a Python expression, word for word, so Python's own parser reads it.
    match node:
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_holds(part, environment) for part in parts)
        case ast.BoolOp(op=ast.Or(), values=parts):
            return any(_holds(part, environment) for part in parts)
        case ast.Compare(
            left=ast.Name(id=name), ops=[sign], comparators=[ast.Constant(value=str(right))]
        ):
            return _compare(name, sign, right, environment)
    raise ValueError(f"a marker of another form: {ast.unparse(node)}")


def _compare(name: str, sign: ast.cmpop, right: str, environment: Mapping[str, str]) -> bool:
    if name not in environment:
        raise ValueError(f"an unknown marker variable: {name}")
    left = environment[name]
    equal, below = left == right, left < right
    if name in _VERSIONS:
        equal, below = (
            _parse_release(left) == _parse_release(right),
            _parse_release(left) < _parse_release(right),
        )
        if right.endswith(".*"):
            equal = f"{left}.".startswith(right[:-1])
    match sign:
        case ast.Eq():
            return equal
        case ast.NotEq():
            return not equal
        case ast.Lt():
            return below
        case ast.LtE():
            return below or equal
        case ast.Gt():
            return not below and not equal
        case ast.GtE():
            return not below
    raise ValueError(f"a marker with another comparison: {name} … {right!r}")


def _parse_release(version: str) -> tuple[int, ...]:
    numbers = [int(number) for number in re.findall(r"\d+", version.removesuffix(".*"))[:3]]
    # 3.12 is 3.12.0.
    return tuple(numbers + [0] * (3 - len(numbers)))
