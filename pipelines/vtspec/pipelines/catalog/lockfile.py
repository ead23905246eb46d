"""A framework's `requirements.txt`: which versions it locks, and what they hash to. Pure.

The file is uv's export: a line `name==version ; marker` for each package, continued by lines of
`--hash=…`. A name may stand there several times, with markers that exclude each other (numpy has
one version for Python 3.11 and another from 3.12 on): reading it takes the environment meant.
"""

import hashlib
from collections.abc import Iterator, Mapping


def parse_locked_versions(
    requirements: str, environment: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Distribution name, normalised (PEP 503) → the version locked for that environment.

    `environment` holds PEP 508 marker variables, as `build_marker_environment` gives them; this
    interpreter's where it is left out. Raises ValueError for a line that locks nothing.
    """
    # Its import takes as long as the rest of `vtspec --help`.
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    variables = build_marker_environment() if environment is None else dict(environment)
    found: dict[str, str] = {}
    for line in _iter_logical_lines(requirements):
        try:
            requirement = Requirement(line.partition(" --hash=")[0])
        except InvalidRequirement as error:
            raise ValueError(f"not a locked requirement: {line!r}: {error}") from error
        pins = list(requirement.specifier)
        if [pin.operator for pin in pins] != ["=="]:
            raise ValueError(f"not a locked requirement: {line!r}")
        if requirement.marker is None or requirement.marker.evaluate(variables):
            found[canonicalize_name(requirement.name)] = pins[0].version
    return found


def hash_requirements(requirements: str) -> str:
    """`sha256:…` over what the file locks; comments, order and white space do not count."""
    # Over the text and not over what it means: the hash stands in the ids of plans, so that no
    # release of `packaging` may change it.
    lines = sorted(
        " ".join(sorted(line.split(" --hash="))) for line in _iter_logical_lines(requirements)
    )
    return "sha256:" + hashlib.sha256("\n".join(lines).encode()).hexdigest()


def build_marker_environment(
    *, python_full_version: str | None = None, sys_platform: str | None = None
) -> dict[str, str]:
    """The PEP 508 variables of this interpreter, or of one that has another version or system."""
    from packaging.markers import default_environment

    found = {name: str(value) for name, value in default_environment().items()}
    if python_full_version is not None:
        found["python_full_version"] = python_full_version
        found["python_version"] = ".".join(python_full_version.split(".")[:2])
    return found if sys_platform is None else {**found, "sys_platform": sys_platform}


def _iter_logical_lines(requirements: str) -> Iterator[str]:
    for line in requirements.replace("\\\n", " ").splitlines():
        content = line.partition("#")[0]
        if content.strip():
            yield " ".join(content.split())
