"""Configurations that were pasted, rewritten as lines of a key and its value. Pure.

JSON objects, YAML, tables, command lines and numbered lists become `key: value` lines that the
grammar reads like any other words; what stands around them stays.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

_FENCE: Final = re.compile(r"```[ \t]*[A-Za-z0-9_+-]*[ \t]*(?=\n|\{|$)|```|~~~[a-z]*")
_RULE: Final = re.compile(r"^[ \t]*\|?[ \t]*:?-{2,}[-|: \t]*$", re.MULTILINE)
_ROW: Final = re.compile(r"^[ \t]*\|(.+)\|[ \t]*$", re.MULTILINE)
_NUMBERED: Final = re.compile(r"(?m)^[ \t]*(?:\(?[0-9]{1,2}[.)]|[①-⑳])[ \t]+(?=\S)")
_BULLET: Final = re.compile(r"(?m)^[ \t]*[-*•▪◦·][ \t]+(?=\S)")
_INLINE: Final = re.compile(r"(?<![\w.])\(?([1-9])[.)] (?=\S)")
_OPTION: Final = re.compile(r"(?<!\S)--(?P<key>[a-z][\w-]*)(?:[= ](?P<value>[^\s-]\S*))?")
_PAIR: Final = re.compile(r"(?P<indent>[ ]*)(?P<key>[A-Za-z_][\w./-]*) ?:(?: (?P<value>.*))?")
_LOOSE: Final = re.compile(
    r"[\"'](?P<key>[\w./ -]{1,60})[\"'] ?: ?(?P<value>\"[^\"\n]*\"|'[^'\n]*'|[^,{}\n]*)"
)
_NAMELESS: Final = frozenset({"name", "type", "ref", "value", "id", "kind"})
"""Keys that say nothing beside the one above them."""
_IGNORED: Final = frozenset({"apiversion", "kind", "metadata.annotations"})
MOST_OBJECTS: Final = 20


def flatten_configs(text: str) -> str:
    """The text with pasted configurations as lines."""
    text = _FENCE.sub("\n", text)
    if "{" in text:
        text = _flatten_objects(text)
    if "|" in text:
        text = _ROW.sub(_flatten_row, _RULE.sub("", text))
    text = _flatten_yaml(text)
    if len(_NUMBERED.findall(text)) > 1:  # a single `3.` at the beginning of a line is a number
        text = _NUMBERED.sub("\n", text)
    text = _BULLET.sub("\n", _split_inline_list(text))
    return _OPTION.sub(_flatten_option, text)


def _flatten_objects(text: str) -> str:
    decoder = json.JSONDecoder()
    parts, end = [], 0
    for _ in range(MOST_OBJECTS):
        start = text.find("{", end)
        if start < 0:
            break
        try:
            value, after = decoder.raw_decode(text, start)
        # trailing commas, keys without quotes, objects nested by the hundred
        except (ValueError, RecursionError):
            after = text.find("}", start) + 1 or len(text)
            lines = list(_iter_loose_pairs(text[start:after]))
        else:
            lines = list(_iter_lines(value, ()))
        parts.append(f"{text[end:start]}\n{chr(10).join(lines)}\n")
        end = after
    return "".join([*parts, text[end:]])


def _iter_lines(value: object, above: tuple[str, ...]) -> Iterator[str]:
    """The leaves of plain data, each with the nearest key that says something."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _iter_lines(each, (*above, str(key)))
    elif value is not None and above and ".".join(above).lower() not in _IGNORED:
        yield f"{_pick_key(above)}: {_format_value(value)}"


def _pick_key(path: tuple[str, ...]) -> str:
    last = path[-1]
    if last.lower() in _NAMELESS and len(path) > 1 and path[-2].lower() != "metadata":
        return path[-2]
    return last.rpartition(".")[2]


def _format_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        # `[640, 480]`: two sides, and not two values
        numbers = all(isinstance(each, int) for each in value)
        return ("x" if numbers and len(value) == 2 else ", ").join(map(_format_value, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_format_value(each)}" for key, each in value.items())
    return str(value)


def _iter_loose_pairs(text: str) -> Iterator[str]:
    """What looks like an object and is no JSON: `{epochs: 20, lr: 0.01,}`."""
    text = re.sub(r"\[([^\[\]\n]*)\]", lambda match: match[1].replace(",", " and "), text)
    plain = _LOOSE.sub(lambda match: f"{match['key']}: {match['value'].strip(' ')}", text)
    for pair in re.split(r"[{},\n]", plain):
        key, colon, value = pair.partition(":")
        if colon or pair.strip():
            yield f"{key.strip()}: {_strip_quotes(value)}" if colon else pair


def _strip_quotes(value: str) -> str:
    return value.strip().strip("\"'")


def _flatten_row(match: re.Match[str]) -> str:
    cells = [cell.strip() for cell in match[1].split("|")]
    return ": ".join(cell for cell in cells if cell)


def _flatten_yaml(text: str) -> str:
    """Lines of `key: value`, where a key that has lines below it is left out."""
    lines = text.split("\n")
    pairs = [_PAIR.fullmatch(line.rstrip()) for line in lines]
    # `classes: oak, maple` is a line of a letter, too
    if sum(pair is not None for pair in pairs) < 2:
        return text
    return "\n".join(_iter_yaml_lines(lines, pairs))


def _iter_yaml_lines(lines: list[str], pairs: list[re.Match[str] | None]) -> Iterator[str]:
    above: list[tuple[int, str]] = []
    for line, pair in zip(lines, pairs, strict=True):
        if pair is None:
            item = re.fullmatch(r"\s*- ([\w.-]+)", line)
            yield f"{above[-1][1]}: {item[1]}" if item is not None and above else line
            continue
        depth = len(pair["indent"])
        while above and above[-1][0] >= depth:
            above.pop()
        path = (*(key for _, key in above), pair["key"])
        value = re.sub(r" #.*", "", pair["value"] or "").strip()
        if not value:
            above.append((depth, pair["key"]))
        elif ".".join(path).lower() not in _IGNORED and value not in ("null", "~"):
            yield f"{_pick_key(path)}: {_strip_quotes(value.strip('[]'))}"


def _split_inline_list(text: str) -> str:
    """`1. cats 2. resnet50 3. 20 epochs` on lines of their own."""
    found = list(_INLINE.finditer(text))
    if len(found) < 3 or [int(each[1]) for each in found] != list(range(1, len(found) + 1)):
        return text
    return _INLINE.sub("\n", text)


def _flatten_option(match: re.Match[str]) -> str:
    """`--batch-size 32` as a line."""
    value = match["value"]
    return f"\n{match['key']}: {value}\n" if value else f"\n{match['key']}\n"
