"""pydantic's refusals laid over the document: each place a person must mend, once.

pydantic names the branches of a union in its locations and complains once for each branch. Here
a location is followed through the document instead, so what comes out is a path that a person
wrote, and of a union one complaint is left: the one of the branch that fits best.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from .error_messages import Fault, Path

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_ABOUT_KEYS: Final = ("missing", "extra_forbidden")


def collect_faults(kind: str, data: object, errors: "Iterable[ErrorDetails]") -> list[Fault]:
    """The faults in `data`, a spec of that kind, from the errors that pydantic listed."""
    found: dict[Path, list[Fault]] = {}
    for error in errors:
        path, in_union = _follow_location(data, error)
        fault = Fault(
            kind=kind,
            type=error["type"],
            path=path,
            value=None if error["type"] == "missing" else error["input"],
            context=error.get("ctx", {}),
            ambiguous=in_union,
        )
        found.setdefault(path, []).append(fault)
    deepest = _collect_prefixes(found)
    return [fault for group in found.values() for fault in _pick_faults(group, deepest)]


def _follow_location(data: Any, error: "ErrorDetails") -> tuple[Path, bool]:
    """The part of the error's location that is in the document; whether it ends in a union."""
    *_, last = enumerate(error["loc"])
    path: list[str | int] = []
    in_union = False
    for index, part in enumerate(error["loc"]):
        if index == last[0] and error["type"] in _ABOUT_KEYS:
            return (*path, part), False
        if not _is_in(data, part):
            # The name of a union's branch, or pydantic's mark for the key of a mapping.
            in_union = in_union or part != "[key]"
            continue
        data = data[part]
        path.append(part)
        in_union = False
    return tuple(path), in_union


def _is_in(data: object, part: str | int) -> bool:
    if isinstance(part, str):
        return isinstance(data, dict) and part in data
    return isinstance(data, list) and part < len(data)


def _collect_prefixes(paths: Iterable[Path]) -> set[Path]:
    """Every path above one of `paths`."""
    return {path[:length] for path in paths for length in range(len(path))}


def _pick_faults(group: list[Fault], above: set[Path]) -> list[Fault]:
    first = group[0]
    if not first.ambiguous:
        return group
    if first.path in above:
        # A branch took the value's type and refuses what is in it: that is told already.
        return []
    telling = [fault for fault in group if _is_near(fault)]
    if len(group) == 1 or len(telling) == 1:
        return [replace((telling or group)[0], ambiguous=False)]
    return [first]


def _is_near(fault: Fault) -> bool:
    """Whether the branch that complains takes values of this type at all."""
    if fault.type == "literal_error":
        return isinstance(fault.value, str)
    return not fault.type.endswith("_type")
