"""JSON Schemas of the kinds, for editors and other tools: made from the models."""

import json
from functools import cache
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from vtspec.schema.kinds.index import KINDS, get_model_class

from .conditions import CONDITIONS

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_HOME: Final = "https://vtspec.dev/schema/v1alpha1"


@cache
def build_schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind, draft 2020-12. Treat it as read-only: it is made once.

    `x-unit` beside a number names its unit. Raises `KeyError` where there is no such kind.
    """
    model = get_model_class(kind)
    made = model.model_json_schema(by_alias=True, schema_generator=_Generator)
    schema: dict[str, Any] = {
        "$schema": DIALECT,
        "$id": f"{_HOME}/{get_filename(kind)}",
        **_tidy_schema(made),
        "title": f"vtspec {kind}",
    }
    # An empty `allOf` is no valid schema.
    if CONDITIONS[kind]:
        schema["allOf"] = CONDITIONS[kind]
    return schema


def get_filename(kind: str) -> str:
    """The name of a kind's schema file."""
    return f"{kind.lower()}.schema.json"


def generate_schema_files() -> dict[str, str]:
    """Every schema as the text of its file, by file name."""
    return {
        get_filename(kind): json.dumps(build_schema(kind), indent=2, ensure_ascii=False) + "\n"
        for kind in KINDS
    }


class _Generator(GenerateJsonSchema):
    """As pydantic's, save that the names of a mapping are wholly described.

    pydantic writes a mapping whose names have a pattern with `patternProperties`, which lets
    every other name pass and forgets their length.
    """

    def dict_schema(self, schema: core_schema.DictSchema) -> dict[str, object]:
        """A mapping with free names: `propertyNames` and `additionalProperties`."""
        made: dict[str, object] = {"type": "object"}
        keys, values = schema.get("keys_schema"), schema.get("values_schema")
        names = {} if keys is None else dict(self.generate_inner(keys))
        # A name is always text; said again it would be noise in every mapping.
        names.pop("type", None)
        if names:
            made["propertyNames"] = names
        if values is not None:
            made["additionalProperties"] = self.generate_inner(values)
        self.update_with_validations(made, schema, self.ValidationsMapping.object)
        return made


_KEYWORDS: Final = {"ge": "minimum", "le": "maximum"}
"""What pydantic calls a bound that follows a validator function, and its keyword."""


def _tidy_schema(node: Any, *, names: bool = False) -> Any:
    """The schema without the titles that pydantic makes of field names, and with its keywords.

    `names` says that the keys of `node` are names of fields or definitions, not keywords.
    """
    if isinstance(node, list):
        return [_tidy_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key if names else _KEYWORDS.get(key, key): value
        if key in ("default", "examples", "enum") and not names
        else _tidy_schema(value, names=key in ("properties", "$defs") and not names)
        for key, value in node.items()
        if names or key != "title"
    }
