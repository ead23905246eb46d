"""The fields of the kinds as people need them told: type, range, unit, default, description."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from vtspec.schema.kinds.index import KINDS
from vtspec.schema.kinds.patterns import FORMS, LINE
from vtspec.schema.suggestions import find_nearest

from .fast_check import compile_schema
from .generate import build_schema

ANY_NAME: Final = "*"
"""The part of a field's path that stands for a name people choose, as in `labels.*`."""

_Node = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field. `path` starts at the root of its kind; `type` completes "must be …".

    `default` is as a spec writes it, None where the field is required or simply left out.
    `children` are the names of the fields below it.
    """

    kind: str
    path: tuple[str, ...]
    type: str
    required: bool
    nullable: bool
    default: str | None
    unit: str | None
    description: str
    examples: tuple[object, ...]
    children: tuple[str, ...]

    @property
    def name(self) -> str:
        """The path as problems and questions name it: `spec.training.epochs`."""
        return ".".join(self.path)


@cache
def get_fields(kind: str) -> Mapping[tuple[str, ...], Field]:
    """Every field of a kind by path, in the order in which a spec writes them."""
    schema = build_schema(kind)
    return {field.path: field for field in _iter_fields(kind, (), schema)}


@cache
def get_all_fields() -> tuple[Field, ...]:
    """The fields of every kind."""
    return tuple(field for kind in KINDS for field in get_fields(kind).values())


def find_spec_field(kind: str, path: tuple[str | int, ...]) -> Field | None:
    """The field that a path of a document belongs to; of an item, the list that holds it."""
    fields = get_fields(kind)
    found: tuple[str, ...] = ()
    for part in path:
        if isinstance(part, int):
            continue
        for name in (part, ANY_NAME):
            if (*found, name) in fields:
                found = (*found, name)
                break
        else:
            return None
    return fields.get(found)


def list_keys(kind: str, path: tuple[str | int, ...]) -> tuple[str, ...]:
    """The keys that may stand in the mapping at `path`; none where people choose them."""
    if not path:
        return tuple(build_schema(kind)["properties"])
    field = find_spec_field(kind, path)
    return () if field is None else tuple(name for name in field.children if name != ANY_NAME)


def find_elsewhere(kind: str, key: str) -> Field | None:
    """The field of a kind's spec that `key` most likely names, at whatever level it stands."""
    fields = [field for field in get_fields(kind).values() if field.path[0] == "spec"]
    # Few letters apart is enough among the keys of one mapping, and not among all there are.
    near = find_nearest(key, {field.path[-1] for field in fields}, cutoff=0.8)
    named = [field for field in fields if field.path[-1] == near]
    return min(named, key=lambda field: len(field.path), default=None)


def describe_expected(kind: str, path: tuple[str | int, ...]) -> str:
    """What a value at `path` must be; where `path` ends in an index, what the list's items are."""
    node = _find_node(kind, path)
    return "something else" if node is None else describe_type(build_schema(kind), node)


def is_accepted(kind: str, path: tuple[str | int, ...], value: object) -> bool:
    """Whether the field at `path` takes a value, rules over several fields aside."""
    node = _find_node(kind, path)
    if node is None:
        return False
    return compile_schema({**node, "$defs": build_schema(kind)["$defs"]})(value)


def describe_type(schema: _Node, node: _Node) -> str:
    """What a value must be, as words that complete "must be …"."""
    node = _resolve_ref(schema, node)
    if "anyOf" in node:
        words = [describe_type(schema, branch) for branch in _list_branches(schema, node)]
        return " or ".join(word for word in dict.fromkeys(words) if not _is_within(word, words))
    if "const" in node:
        return f"'{node['const']}'"
    if "enum" in node:
        return f"one of {', '.join(str(value) for value in node['enum'])}"
    return _DESCRIBERS[node["type"]](schema, node)


def _is_within(word: str, words: list[str]) -> bool:
    # Every whole number is a number.
    return word == "a whole number" and "a number" in words


def _describe_number(_schema: _Node, node: _Node) -> str:
    noun = "a whole number" if node["type"] == "integer" else "a number"
    low, above = node.get("minimum"), node.get("exclusiveMinimum")
    high, below = node.get("maximum"), node.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f"{noun} from {low:g} to {high:.10g}"
    # "from 1 to 10" only where both ends belong to it; every other pair is told end by end.
    bounds = (
        (low, "of at least"),
        (above, "above"),
        (high, "of at most" if above is None else "and at most"),
        (below, "below" if low is None and above is None else "and below"),
    )
    said = [f"{words} {bound:.10g}" for bound, words in bounds if bound is not None]
    return " ".join([noun, *said])


def _describe_text(_schema: _Node, node: _Node) -> str:
    form = FORMS.get(node.get("pattern", ""))
    if form is not None and form is not LINE:
        return form.words
    noun = "text" if form is None else "a line of text"
    longest = node.get("maxLength")
    return noun if longest is None else f"{noun} of at most {longest} characters"


def _describe_list(schema: _Node, node: _Node) -> str:
    if "prefixItems" in node:
        items = node["prefixItems"]
        return f"a list of {len(items)}, each {describe_type(schema, items[0])}"
    least = "a list of at least one" if node.get("minItems") else "a list"
    return f"{least}, each {describe_type(schema, node['items'])}"


def _describe_mapping(schema: _Node, node: _Node) -> str:
    if "properties" in node:
        return f"a mapping with the keys {', '.join(node['properties'])}"
    return f"a mapping whose values are each {describe_type(schema, node['additionalProperties'])}"


_DESCRIBERS: Final[Mapping[str, Callable[[_Node, _Node], str]]] = {
    "integer": _describe_number,
    "number": _describe_number,
    "string": _describe_text,
    "array": _describe_list,
    "object": _describe_mapping,
    "boolean": lambda _schema, _node: "true or false",
    "null": lambda _schema, _node: "null",
}


def _iter_fields(kind: str, path: tuple[str, ...], node: _Node) -> Iterator[Field]:
    schema = build_schema(kind)
    for name, child in _get_children(schema, node).items():
        below = (*path, name)
        inner = _get_children(schema, child)
        branches = _list_branches(schema, child)
        yield Field(
            kind=kind,
            path=below,
            type=describe_type(schema, child),
            required=name in _find_mapping(schema, node).get("required", ()),
            nullable=len(branches) < len(_resolve_ref(schema, child).get("anyOf", branches)),
            default=_format_default(child),
            unit=child.get("x-unit"),
            # pydantic leaves out a field's description that is its type's own.
            description=child.get(
                "description", _resolve_ref(schema, child).get("description", "")
            ),
            examples=tuple(child.get("examples", ())),
            children=tuple(inner),
        )
        yield from _iter_fields(kind, below, child)


def _format_default(node: _Node) -> str | None:
    default = node.get("default")
    return None if default is None else json.dumps(default, ensure_ascii=False)


def _get_children(schema: _Node, node: _Node) -> Mapping[str, _Node]:
    mapping = _find_mapping(schema, node)
    if "properties" in mapping:
        properties: Mapping[str, _Node] = mapping["properties"]
        return properties
    free = mapping.get("additionalProperties")
    return {ANY_NAME: free} if isinstance(free, dict) else {}


def _find_mapping(schema: _Node, node: _Node) -> _Node:
    """The branch of `node` that is a mapping, or an empty one."""
    found = (branch for branch in _list_branches(schema, node) if branch.get("type") == "object")
    return next(found, {})


def _list_branches(schema: _Node, node: _Node) -> list[_Node]:
    """The schemas of which one must hold, without null."""
    node = _resolve_ref(schema, node)
    if "anyOf" not in node:
        return [node]
    branches = [_resolve_ref(schema, branch) for branch in node["anyOf"]]
    return [branch for branch in branches if branch.get("type") != "null"]


def _resolve_ref(schema: _Node, node: _Node) -> _Node:
    if "$ref" not in node:
        return node
    target: _Node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return target


def _find_node(kind: str, path: tuple[str | int, ...]) -> _Node | None:
    schema = build_schema(kind)
    node: _Node | None = schema
    for part in path:
        if node is None:
            return None
        node = _find_child(schema, node, part)
    return node


def _find_child(schema: _Node, node: _Node, part: str | int) -> _Node | None:
    if isinstance(part, str):
        children = _get_children(schema, node)
        return children.get(part, children.get(ANY_NAME))
    for branch in _list_branches(schema, node):
        if branch.get("type") == "array":
            items: _Node = branch["prefixItems"][0] if "prefixItems" in branch else branch["items"]
            return items
    return None
