"""A model as canonical YAML: fields in their order, defaults left out, `load(dump(x)) == x`."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from vtspec.schema.json_schema.generate import get_filename
from vtspec.schema.kinds.field_types import Part, to_camel
from vtspec.schema.yaml_source.scalars import BadNumber, parse_scalar

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
    `to_plain_data`.
    """
    lines = list(dump_block(to_plain_data(model, written=written), ""))
    if schemas is not None:
        schema = f"{schemas.rstrip('/')}/{get_filename(type(model).__name__)}"
        lines.insert(0, f"# yaml-language-server: $schema={schema}")
    return "\n".join(lines) + "\n"


def to_plain_data(model: Part, *, written: bool = False) -> dict[str, Any]:
    """The model as a spec writes it: camelCase, without what equals its default.

    With `written`, a default that was written where the model came from is kept, but for null.
    """
    data: dict[str, object] = {}
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        is_default = not field.is_required() and value == field.get_default(
            call_default_factory=True
        )
        is_kept = written and name in model.model_fields_set and value is not None
        if not is_default or is_kept:
            data[to_camel(name)] = _to_plain(value, written)
    return data


def _to_plain(value: object, written: bool) -> object:
    if isinstance(value, Part):
        return to_plain_data(value, written=written)
    if isinstance(value, tuple):
        return [_to_plain(item, written) for item in value]
    if isinstance(value, dict):
        return {key: _to_plain(item, written) for key, item in value.items()}
    return value


def dump_block(data: Mapping[str, object], indent: str = "") -> list[str]:
    """A mapping as lines, a key each, that begin with `indent`."""
    lines: list[str] = []
    for key, value in data.items():
        name = f"{indent}{_dump_key(key)}:"
        if isinstance(value, dict) and value:
            lines += [name, *dump_block(value, indent + "  ")]
        elif isinstance(value, list):
            lines += _dump_list(name, value, indent)
        else:
            lines.append(f"{name} {_dump_scalar(value)}")
    return lines


def _dump_list(name: str, items: list[object], indent: str) -> list[str]:
    # Short lists on one line, as people write classes; long ones so that a diff shows one item.
    line = f"{name} {dump_flow(items)}"
    if len(line) <= _WIDEST:
        return [line]
    return [name, *(f"{indent}  - {dump_flow(item)}" for item in items)]


def dump_flow(value: object) -> str:
    """A value on one line, lists in brackets and mappings in braces."""
    if isinstance(value, list):
        return f"[{', '.join(dump_flow(item) for item in value)}]"
    if isinstance(value, dict):
        pairs = (f"{_dump_key(key)}: {dump_flow(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    return _dump_scalar(value)


def _dump_key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) and _is_safe_unquoted(key) else _quote(key)


def _dump_scalar(value: object) -> str:
    if isinstance(value, str):
        return value if _BARE.fullmatch(value) and _is_safe_unquoted(value) else _quote(value)
    if isinstance(value, dict):
        return "{}"
    return json.dumps(value)


def _is_safe_unquoted(text: str) -> bool:
    """Whether the bare text is this text to every reader, and no number, date or truth value."""
    if text.startswith(("- ", "-")) or _OTHERWISE_READ.fullmatch(text):
        return False
    # Our own reader is asked, not only patterns: what is written is read back as itself.
    try:
        return parse_scalar(text) == text and isinstance(parse_scalar(text), str)
    except BadNumber:
        return False


def _quote(text: str) -> str:
    # JSON's strings are YAML's double-quoted ones, but for a character that YAML does not print.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7F")
