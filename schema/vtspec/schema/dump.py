"""A model as canonical YAML: fields in their order, defaults left out, `load(dump(x)) == x`."""

import json
import re
from typing import Any, Final

from vtspec.schema.json_schema.generate import filename
from vtspec.schema.kinds.field_types import Part, camel
from vtspec.schema.yaml_source.scalars import BadNumber, plain

_WIDEST: Final = 90
"""Columns that a list may take before its items get a line each."""

_BARE: Final = re.compile(r"[A-Za-z0-9_./+-][A-Za-z0-9_./+@%<>=()-]*( [A-Za-z0-9_./+@%<>=()-]+)*")
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_./-]+")

_OTHERWISE_READ: Final = re.compile(r"(?i)y|n|yes|no|on|off|0b[01_]+|[-+.]?[0-9][-0-9_.:e+ tz]*")
"""Texts that a reader of YAML 1.1 takes for truth values, numbers or dates."""


def dump(model: Part, *, schemas: str | None = None, written: bool = False) -> str:
    """The YAML of a kind's model, with a newline at its end.

    `schemas` is the folder of the JSON Schemas as seen from where the file will lie, such as
    `../../schema/v1alpha1`; the first line then points editors to it. `written` is as in
    `plain_data`.
    """
    lines = list(_mapping(plain_data(model, written=written), ""))
    if schemas is not None:
        schema = f"{schemas.rstrip('/')}/{filename(type(model).__name__)}"
        lines.insert(0, f"# yaml-language-server: $schema={schema}")
    return "\n".join(lines) + "\n"


def plain_data(model: Part, *, written: bool = False) -> dict[str, Any]:
    """The model as a spec writes it: camelCase, without what equals its default.

    With `written`, a default that was written where the model came from is kept, but for null.
    """
    data: dict[str, Any] = {}
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        is_default = not field.is_required() and value == field.get_default(
            call_default_factory=True
        )
        is_kept = written and name in model.model_fields_set and value is not None
        if not is_default or is_kept:
            data[camel(name)] = _plain(value, written)
    return data


def _plain(value: Any, written: bool) -> Any:
    if isinstance(value, Part):
        return plain_data(value, written=written)
    if isinstance(value, tuple):
        return [_plain(item, written) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item, written) for key, item in value.items()}
    return value


def _mapping(data: dict[str, Any], indent: str) -> list[str]:
    lines: list[str] = []
    for key, value in data.items():
        name = f"{indent}{_key(key)}:"
        if isinstance(value, dict) and value:
            lines += [name, *_mapping(value, indent + "  ")]
        elif isinstance(value, list):
            lines += _list(name, value, indent)
        else:
            lines.append(f"{name} {_scalar(value)}")
    return lines


def _list(name: str, items: list[Any], indent: str) -> list[str]:
    line = f"{name} {_flow(items)}"
    if len(line) <= _WIDEST:
        return [line]
    return [name, *(f"{indent}  - {_scalar(item)}" for item in items)]


def _flow(items: list[Any]) -> str:
    return f"[{', '.join(_scalar(item) for item in items)}]"


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) and _is_read_back(key) else _quoted(key)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return value if _BARE.fullmatch(value) and _is_read_back(value) else _quoted(value)
    if isinstance(value, dict):
        return "{}"
    return json.dumps(value)


def _is_read_back(text: str) -> bool:
    """Whether the bare text is this text to every reader, and no number, date or truth value."""
    if text.startswith(("- ", "-")) or _OTHERWISE_READ.fullmatch(text):
        return False
    try:
        return plain(text) == text and isinstance(plain(text), str)
    except BadNumber:
        return False


def _quoted(text: str) -> str:
    # JSON's strings are YAML's double-quoted ones, but for a character that YAML does not print.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7F")
