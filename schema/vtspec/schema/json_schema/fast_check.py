"""Whether plain data fits a JSON Schema, answered without pydantic: yes or no, and not why.

A sound spec is the usual one, and importing pydantic costs more than reading a hundred of them.
So `load` asks here first, and the models when the answer is no: they say what is wrong, and they
have the last word. That both say the same is a law that the tests hold over every field.

A schema is compiled to functions once. Only the keywords that our own schemas use are known.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

Fits = Callable[[object], bool]

_Schema = Mapping[str, Any]

_NOTES: Final = frozenset(
    {"$schema", "$id", "$defs", "title", "description", "default", "examples", "x-unit"}
)


@cache
def load_validator(kind: str) -> Fits:
    """Whether data has the shape of a kind; always no where its schema is not installed."""
    try:
        return compile_schema(read_schema(kind))
    except FileNotFoundError:
        # Then pydantic decides every file: slower, and right.
        return _reject_all


@cache
def read_schema(kind: str) -> Mapping[str, Any]:
    """The committed JSON Schema of a kind. Raises `FileNotFoundError` where none is installed."""
    text = (get_schemas_folder() / f"{kind.lower()}.schema.json").read_text("utf-8")
    schema: Mapping[str, Any] = json.loads(text)
    return schema


def find_property(kind: str, path: str) -> Mapping[str, Any]:
    """What the schema of a kind says of the field at `path`, as it allows most: past null, and
    of several forms the first. Raises `KeyError` where it has no such field."""
    schema = read_schema(kind)
    node = _resolve_node(schema, schema)
    for part in path.split("."):
        node = _resolve_node(schema, node["properties"][part])
    return node


@cache
def load_field_validator(kind: str, path: str) -> Fits:
    """The same for one field below another. Raises `KeyError` where there is no such field."""
    above, _, name = path.rpartition(".")
    return _Compiler(read_schema(kind)).compile_node(
        find_property(kind, above)["properties"][name]
    )


def list_fields(kind: str) -> Mapping[str, str]:
    """Each field of a kind by its dotted path, with what it means; in the order of the schema."""
    schema = read_schema(kind)
    return dict(_iter_fields(schema, _resolve_node(schema, schema), ""))


def _iter_fields(schema: _Schema, node: _Schema, above: str) -> Iterator[tuple[str, str]]:
    for name, below in node.get("properties", {}).items():
        found = _resolve_node(schema, below)
        yield f"{above}{name}", str(found.get("description", ""))
        yield from _iter_fields(schema, found, f"{above}{name}.")


def _resolve_node(schema: _Schema, node: _Schema) -> _Schema:
    notes = {key: value for key, value in node.items() if key not in ("$ref", "anyOf")}
    if "$ref" in node:
        definition = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
        return _resolve_node(schema, {**definition, **notes})
    if "anyOf" in node:
        first = next(form for form in node["anyOf"] if form.get("type") != "null")
        return _resolve_node(schema, {**first, **notes})
    return node


def get_schemas_folder() -> Path:
    """The folder of the JSON Schemas: in a wheel beside this module, in a checkout where editors
    look for them."""
    here = Path(__file__).parents[1]
    packaged = here / "_v1alpha1"
    return packaged if packaged.is_dir() else here.parents[1] / "v1alpha1"


def compile_schema(schema: _Schema) -> Fits:
    """The schema as a function. Raises `ValueError` for a keyword that is not known here."""
    return _Compiler(schema).compile_node(schema)


def _reject_all(_value: object) -> bool:
    return False


class _Compiler:
    """Compiles the parts of one schema; a definition is compiled once."""

    def __init__(self, schema: _Schema) -> None:
        self._definitions: _Schema = schema.get("$defs", {})
        self._made: dict[str, Fits] = {}

    def compile_node(self, schema: _Schema) -> Fits:
        """All of a schema's keywords together."""
        # The type first: most of what does not fit fails there.
        keys = sorted((key for key in schema if key not in _NOTES), key=lambda key: key != "type")
        checks = [self._compile_keyword(schema, key) for key in keys]
        return _match_all([test for test in checks if test is not None])

    def _compile_keyword(self, schema: _Schema, key: str) -> Fits | None:
        value = schema[key]
        if key in _PLAIN:
            return _PLAIN[key](value)
        if key in _MANY:
            return _MANY[key]([self.compile_node(inner) for inner in value])
        if key in _ONE:
            return _ONE[key](self.compile_node(value))
        if key == "$ref":
            return self._compile_reference(value.rsplit("/", 1)[1])
        if key == "properties":
            return self._compile_properties(schema)
        if key == "if":
            return _match_implication(self.compile_node(value), self.compile_node(schema["then"]))
        if key in ("additionalProperties", "then"):
            return (
                self._compile_additional(schema)
                if "properties" not in schema and key != "then"
                else None
            )
        raise ValueError(f"a JSON Schema with '{key}' cannot be compiled")

    def _compile_reference(self, name: str) -> Fits:
        # A definition that many fields share is compiled once; ours do not refer to themselves.
        if name not in self._made:
            self._made[name] = self.compile_node(self._definitions[name])
        return self._made[name]

    def _compile_properties(self, schema: _Schema) -> Fits:
        tests = {name: self.compile_node(inner) for name, inner in schema["properties"].items()}
        closed = schema.get("additionalProperties") is False

        def fits(value: object) -> bool:
            # A keyword about mappings says nothing of other types; `type` beside it does.
            if type(value) is not dict:
                return True
            for name, item in value.items():
                test = tests.get(name)
                if test is None:
                    if closed:
                        return False
                elif not test(item):
                    return False
            return True

        return fits

    def _compile_additional(self, schema: _Schema) -> Fits:
        test = self.compile_node(schema["additionalProperties"])
        return lambda value: type(value) is not dict or all(map(test, value.values()))


def _match_all(tests: list[Fits]) -> Fits:
    # Nearly every part has one to three keywords, and a loop costs as much as the tests.
    match tests:
        case [only]:
            return only
        case [first, second]:
            return lambda value: first(value) and second(value)
        case [first, second, third]:
            return lambda value: first(value) and second(value) and third(value)

    def fits(value: object) -> bool:
        for test in tests:
            if not test(value):
                return False
        return True

    return fits


def _match_any(tests: list[Fits]) -> Fits:
    def fits(value: object) -> bool:
        for test in tests:
            if test(value):
                return True
        return False

    return fits


def _match_type(name: str) -> Fits:
    match name:
        case "integer":
            return lambda value: (
                type(value) is int or (type(value) is float and value.is_integer())
            )
        case "number":
            return lambda value: type(value) is int or type(value) is float
        case "null":
            return lambda value: value is None
    # Exact types: a bool is an int to Python, and not a number to JSON Schema.
    kind = {"object": dict, "array": list, "string": str, "boolean": bool}[name]
    return lambda value: type(value) is kind


def _is_number(value: object) -> bool:
    return type(value) is int or type(value) is float


def _match_enum(choices: list[object]) -> Fits:
    # Of numbers and truth values JSON and Python disagree on what is equal; ours are texts.
    known = frozenset(choice for choice in choices if isinstance(choice, str))
    if len(known) < len(choices):
        raise ValueError("an enum of anything but texts cannot be compiled")
    return lambda value: type(value) is str and value in known


def _match_const(wanted: object) -> Fits:
    return lambda value: type(value) is type(wanted) and value == wanted


def _match_pattern(pattern: str) -> Fits:
    # $ is the very end in JSON Schema; in Python a line break may follow.
    search = re.compile(pattern.replace("$", r"\Z")).search
    return lambda value: type(value) is not str or search(value) is not None


def _match_unique(_wanted: bool) -> Fits:
    def fits(value: object) -> bool:
        if type(value) is not list:
            return True
        # Our lists without doubles hold texts; anything else fails by its type.
        return all(type(item) is str for item in value) and len(set(value)) == len(value)

    return fits


def _match_prefix(tests: list[Fits]) -> Fits:
    return lambda value: (
        type(value) is not list
        or all([test(item) for test, item in zip(tests, value, strict=False)])
    )


def _match_implication(condition: Fits, then: Fits) -> Fits:
    return lambda value: not condition(value) or then(value)


_PLAIN: Final[Mapping[str, Callable[[Any], Fits]]] = {
    "type": _match_type,
    "enum": _match_enum,
    "const": _match_const,
    "pattern": _match_pattern,
    "uniqueItems": _match_unique,
    "minimum": lambda bound: lambda value: not _is_number(value) or value >= bound,
    "maximum": lambda bound: lambda value: not _is_number(value) or value <= bound,
    "exclusiveMinimum": lambda bound: lambda value: not _is_number(value) or value > bound,
    "exclusiveMaximum": lambda bound: lambda value: not _is_number(value) or value < bound,
    "minLength": lambda least: lambda value: type(value) is not str or len(value) >= least,
    "maxLength": lambda most: lambda value: type(value) is not str or len(value) <= most,
    "minItems": lambda least: lambda value: type(value) is not list or len(value) >= least,
    "maxItems": lambda most: lambda value: type(value) is not list or len(value) <= most,
    "minProperties": lambda least: lambda value: type(value) is not dict or len(value) >= least,
    # Lists instead of generators here and below: of so few keys they are the faster.
    "required": lambda keys: (
        lambda value: type(value) is not dict or all([key in value for key in keys])
    ),
}
"""Keywords whose value holds no schema."""

_MANY: Final[Mapping[str, Callable[[list[Fits]], Fits]]] = {
    "anyOf": _match_any,
    "allOf": _match_all,
    "oneOf": lambda tests: lambda value: sum([test(value) for test in tests]) == 1,
    "prefixItems": _match_prefix,
}
"""Keywords whose value is a list of schemas."""

_ONE: Final[Mapping[str, Callable[[Fits], Fits]]] = {
    "not": lambda test: lambda value: not test(value),
    "items": lambda test: lambda value: type(value) is not list or all(map(test, value)),
    "contains": lambda test: lambda value: type(value) is not list or any(map(test, value)),
    "propertyNames": lambda test: lambda value: type(value) is not dict or all(map(test, value)),
}
"""Keywords whose value is a schema."""
