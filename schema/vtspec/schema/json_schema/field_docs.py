"""The fields of the kinds as people need them told: type, range, unit, default, description."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from vtspec.schema.kinds.index import KINDS
from vtspec.schema.kinds.patterns import FORMS, LINE

from .generate import schema_of

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
    examples: tuple[Any, ...]
    children: tuple[str, ...]

    @property
    def name(self) -> str:
        """The dotted path."""
        return ".".join(self.path)


@cache
def fields_of(kind: str) -> Mapping[tuple[str, ...], Field]:
    """Every field of a kind by path, in the order in which a spec writes them."""
    schema = schema_of(kind)
    return {field.path: field for field in _walk(kind, (), schema)}


@cache
def all_fields() -> tuple[Field, ...]:
    """The fields of every kind."""
    return tuple(field for kind in KINDS for field in fields_of(kind).values())


def field_at(kind: str, path: tuple[str | int, ...]) -> Field | None:
    """The field that a path of a document belongs to; of an item, the list that holds it."""
    fields = fields_of(kind)
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


def names_below(kind: str, path: tuple[str | int, ...]) -> tuple[str, ...]:
    """The keys that may stand in the mapping at `path`; none where people choose them."""
    if not path:
        return tuple(schema_of(kind)["properties"])
    field = field_at(kind, path)
    return () if field is None else tuple(name for name in field.children if name != ANY_NAME)


def item_type(kind: str, path: tuple[str | int, ...]) -> str:
    """What a value at `path` must be; where `path` ends in an index, what the list's items are."""
    node = _node_at(kind, path)
    return "something else" if node is None else type_words(schema_of(kind), node)


def type_words(schema: _Node, node: _Node) -> str:
    """What a value must be, as words that complete "must be …"."""
    node = _resolved(schema, node)
    if "anyOf" in node:
        words = [type_words(schema, branch) for branch in _branches(schema, node)]
        return " or ".join(word for word in dict.fromkeys(words) if not _is_within(word, words))
    if "const" in node:
        return f"'{node['const']}'"
    if "enum" in node:
        return f"one of {', '.join(str(value) for value in node['enum'])}"
    return _DESCRIBERS[node["type"]](schema, node)


def _is_within(word: str, words: list[str]) -> bool:
    # Every whole number is a number.
    return word == "a whole number" and "a number" in words


def _number(_schema: _Node, node: _Node) -> str:
    noun = "a whole number" if node["type"] == "integer" else "a number"
    low, above = node.get("minimum"), node.get("exclusiveMinimum")
    high, below = node.get("maximum"), node.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f"{noun} from {low:g} to {high:.10g}"
    bounds = (
        (low, "of at least"),
        (above, "above"),
        (high, "of at most" if above is None else "and at most"),
        (below, "below" if low is None and above is None else "and below"),
    )
    said = [f"{words} {bound:.10g}" for bound, words in bounds if bound is not None]
    return " ".join([noun, *said])


def _text(_schema: _Node, node: _Node) -> str:
    form = FORMS.get(node.get("pattern", ""))
    if form is not None and form is not LINE:
        return form.words
    noun = "text" if form is None else "a line of text"
    longest = node.get("maxLength")
    return noun if longest is None else f"{noun} of at most {longest} characters"


def _list(schema: _Node, node: _Node) -> str:
    if "prefixItems" in node:
        items = node["prefixItems"]
        return f"a list of {len(items)}, each {type_words(schema, items[0])}"
    least = "a list of at least one" if node.get("minItems") else "a list"
    return f"{least}, each {type_words(schema, node['items'])}"


def _mapping(schema: _Node, node: _Node) -> str:
    if "properties" in node:
        return f"a mapping with the keys {', '.join(node['properties'])}"
    return f"a mapping whose values are each {type_words(schema, node['additionalProperties'])}"


_DESCRIBERS: Final[Mapping[str, Callable[[_Node, _Node], str]]] = {
    "integer": _number,
    "number": _number,
    "string": _text,
    "array": _list,
    "object": _mapping,
    "boolean": lambda _schema, _node: "true or false",
    "null": lambda _schema, _node: "null",
}


def _walk(kind: str, path: tuple[str, ...], node: _Node) -> Iterator[Field]:
    schema = schema_of(kind)
    for name, child in _children(schema, node).items():
        below = (*path, name)
        inner = _children(schema, child)
        branches = _branches(schema, child)
        yield Field(
            kind=kind,
            path=below,
            type=type_words(schema, child),
            required=name in _mapping_of(schema, node).get("required", ()),
            nullable=len(branches) < len(_resolved(schema, child).get("anyOf", branches)),
            default=_default(child),
            unit=child.get("x-unit"),
            # pydantic leaves out a field's description that is its type's own.
            description=child.get("description", _resolved(schema, child).get("description", "")),
            examples=tuple(child.get("examples", ())),
            children=tuple(inner),
        )
        yield from _walk(kind, below, child)


def _default(node: _Node) -> str | None:
    default = node.get("default")
    return None if default is None else json.dumps(default, ensure_ascii=False)


def _children(schema: _Node, node: _Node) -> Mapping[str, _Node]:
    mapping = _mapping_of(schema, node)
    if "properties" in mapping:
        properties: Mapping[str, _Node] = mapping["properties"]
        return properties
    free = mapping.get("additionalProperties")
    return {ANY_NAME: free} if isinstance(free, dict) else {}


def _mapping_of(schema: _Node, node: _Node) -> _Node:
    """The branch of `node` that is a mapping, or an empty one."""
    found = (branch for branch in _branches(schema, node) if branch.get("type") == "object")
    return next(found, {})


def _branches(schema: _Node, node: _Node) -> list[_Node]:
    """The schemas of which one must hold, without null."""
    node = _resolved(schema, node)
    if "anyOf" not in node:
        return [node]
    branches = [_resolved(schema, branch) for branch in node["anyOf"]]
    return [branch for branch in branches if branch.get("type") != "null"]


def _resolved(schema: _Node, node: _Node) -> _Node:
    if "$ref" not in node:
        return node
    target: _Node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return target


def _node_at(kind: str, path: tuple[str | int, ...]) -> _Node | None:
    schema = schema_of(kind)
    node: _Node | None = schema
    for part in path:
        if node is None:
            return None
        node = _below(schema, node, part)
    return node


def _below(schema: _Node, node: _Node, part: str | int) -> _Node | None:
    if isinstance(part, str):
        children = _children(schema, node)
        return children.get(part, children.get(ANY_NAME))
    for branch in _branches(schema, node):
        if branch.get("type") == "array":
            items: _Node = branch["prefixItems"][0] if "prefixItems" in branch else branch["items"]
            return items
    return None
