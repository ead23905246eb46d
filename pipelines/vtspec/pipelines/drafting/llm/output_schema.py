"""What a model may answer, as JSON Schema: one tool for each kind of answer.

The models of the kinds cannot be the output's type: they are frozen and strict, their rules look
at several fields and at the repository, a draft beside a question is no whole spec, and what
pydantic says of a fault is not what a person or a model can mend. So the output is plain data. Its
*schema* is made from the kinds all the same, in the part of JSON Schema that all providers take
(Gemini refuses or ignores `not`, `if`, `propertyNames`, `prefixItems`, `const`; strict modes of
Anthropic and OpenAI refuse free mappings such as `params`, so strict is off): types, enumerations,
bounds, descriptions, nothing referred to. Whether the data is a spec is decided afterwards, by
`checks.find_problems`, as for any other spec.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from vtspec.schema.json_schema.generate import build_schema

Schema = dict[str, Any]

_KEPT: Final = ("description", "enum", "minimum", "maximum", "minItems", "default")


_ASSUMPTIONS: Final[Schema] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "field": {
                "type": "string",
                "description": "Dotted path, as spec.training.epochs; empty for words that "
                "were not understood.",
            },
            "value": {
                "type": "string",
                "description": "The value that the draft has there, or the words.",
            },
            "why": {"type": "string", "description": "In the person's language."},
        },
        "required": ["field", "value", "why"],
    },
    "description": "All that the person did not say and the draft has, and all that was said and "
    "is not in the draft. At most 20.",
}

_ASK: Final[Schema] = {
    "type": "object",
    "properties": {
        "field": {"type": "string", "description": "Dotted path, as spec.dataset.ref."},
        "text": {"type": "string", "description": "One sentence in the person's language."},
        "choices": {
            "type": "array",
            "items": {"type": "string"},
            "description": "At most 10.",
        },
        "draft": {
            "type": "object",
            "description": "What is known so far, as the kind has it: kind, metadata, spec.",
            "additionalProperties": True,
        },
        "assumptions": _ASSUMPTIONS,
    },
    "required": ["field", "text", "choices", "draft", "assumptions"],
}

_REFUSE: Final[Schema] = {
    "type": "object",
    "properties": {
        "reason": {
            "type": "string",
            "description": "Polite, in the person's language; says what can be asked instead.",
        }
    },
    "required": ["reason"],
}

ANSWERS: Final[Mapping[str, str]] = {
    "propose_experiment": "The whole Experiment: nothing that is needed is missing.",
    "propose_dataset": "The whole Dataset, where the words ask to add or register data.",
    "ask": "The one question whose answer is missing, with what is known so far.",
    "refuse": "The words are no request for a spec.",
}
"""The tools that end the work, and what each is for."""

PROPOSED: Final[Mapping[str, str]] = {
    "propose_experiment": "Experiment",
    "propose_dataset": "Dataset",
}
"""The kind that a tool proposes."""


@cache
def build_answer_schema(tool: str) -> Schema:
    """The arguments of a tool of `ANSWERS`. Treat it as read-only: it is made once."""
    if tool == "ask":
        return _ASK
    if tool == "refuse":
        return _REFUSE
    return {
        "type": "object",
        "properties": {"draft": _build_kind_schema(PROPOSED[tool]), "assumptions": _ASSUMPTIONS},
        "required": ["draft", "assumptions"],
    }


def _build_kind_schema(kind: str) -> Schema:
    """The schema of a kind without its version and kind, which are known."""
    whole = build_schema(kind)
    made = _compact_node(whole, whole)
    properties = made["properties"]
    return {
        "type": "object",
        "properties": {key: properties[key] for key in ("metadata", "spec")},
        "required": ["metadata", "spec"],
    }


def _compact_node(node: Schema, whole: Schema) -> Schema:
    if "$ref" in node:
        target = whole["$defs"][node["$ref"].rsplit("/", 1)[1]]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    kept: Schema = {key: node[key] for key in _KEPT if node.get(key) is not None}
    if "anyOf" in node:
        return {**kept, **_compact_choice(node["anyOf"], whole)}
    made = {"type": node.get("type", "string"), **kept}
    if made["type"] == "array":
        # A pair, such as height and width, has two items of one kind, and Gemini knows no pairs.
        items = node["prefixItems"][0] if "prefixItems" in node else node["items"]
        made["items"] = _compact_node(items, whole)
    if made["type"] == "object":
        made.update(_compact_mapping(node, whole))
    return made


def _compact_choice(branches: list[Schema], whole: Schema) -> Schema:
    # Nothing need be null: it is left out.
    made = [_compact_node(each, whole) for each in branches if each.get("type") != "null"]
    return made[0] if len(made) == 1 else {"anyOf": made}


def _compact_mapping(node: Schema, whole: Schema) -> Schema:
    if "properties" not in node:
        # Names that people choose.
        values = node.get("additionalProperties")
        return {"additionalProperties": _compact_node(values, whole) if values else True}
    properties = {name: _compact_node(each, whole) for name, each in node["properties"].items()}
    return {"properties": properties, "required": list(node.get("required", ()))}
