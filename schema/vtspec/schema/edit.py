"""Values of a YAML text replaced where they stand: what is around them, comments too, stays."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from vtspec.schema.yaml_source.document import parse_document

from .dump import dump_block, dump_flow


@dataclass(frozen=True, kw_only=True)
class _Edit:
    """The letters from `start` to `end` become `text`."""

    start: int
    end: int
    text: str


def edit_text(text: str, after: Mapping[str, Any]) -> str:
    """The YAML text of a sound spec, changed as little as makes it hold the data `after`.

    A comment goes only with the key beside it, or within a list or `{…}` that changes. Raises
    `ValueError` where the text cannot be changed in place.
    """
    before = parse_document(text, "").data
    # Not libyaml's: its marks count bytes.
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    edits = sorted(_iter_edits(text, node, before, after), key=lambda edit: edit.start)
    ending = "\r\n" if "\r\n" in text else "\n"
    for edit in reversed(edits):
        text = text[: edit.start] + edit.text.replace("\n", ending) + text[edit.end :]
    if parse_document(text, "").data != after:
        raise ValueError("the text does not hold what was written into it")
    return text


def _iter_edits(text: str, node: Any, before: Any, after: Any, colon: int = 0) -> Iterator[_Edit]:
    """The edits of a value; `colon` is behind that of its key."""
    if before == after and type(before) is type(after):
        return
    both = isinstance(before, dict) and isinstance(after, dict)
    if both and after and (not node.flow_style or before.keys() == after.keys()):
        yield from _iter_mapping_edits(text, node, before, after)
        return
    start, end = node.start_mark.index, _find_end(node)
    # The line break behind a text in lines of its own is not replaced with it.
    end = max(start, len(text[:end].rstrip("\r\n")))
    if _is_block(node) and after and isinstance(after, list):
        indent = " " * node.start_mark.column
        yield _Edit(start=start, end=end, text=_render_items(after, indent))
    # On its own lines, or nowhere: one that is on one line stands behind the colon.
    elif _is_block(node) or start == end:
        yield _Edit(start=colon, end=max(colon, end), text=f" {dump_flow(after)}")
    else:
        yield _Edit(start=start, end=end, text=dump_flow(after))


def _iter_mapping_edits(
    text: str, node: Any, old: Mapping[str, object], new: Mapping[str, object]
) -> Iterator[_Edit]:
    for key, value in node.value:
        if key.value in new:
            colon = text.index(":", key.end_mark.index) + 1
            yield from _iter_edits(text, value, old[key.value], new[key.value], colon)
        else:
            line = text.rfind("\n", 0, key.start_mark.index) + 1
            yield _Edit(start=line, end=_find_line_end(text, _find_end(value)), text="")
    added = {key: value for key, value in new.items() if key not in old}
    if added:
        place = _find_line_end(text, _find_end(node))
        lines = dump_block(added, " " * node.start_mark.column)
        first = "" if text[place - 1 : place] == "\n" else "\n"
        yield _Edit(start=place, end=place, text=first + "\n".join(lines) + "\n")


def _render_items(items: Sequence[object], indent: str) -> str:
    return f"\n{indent}".join(f"- {dump_flow(item)}" for item in items)


def _is_block(node: Any) -> bool:
    return not isinstance(node, yaml.ScalarNode) and not node.flow_style


def _find_end(node: Any) -> int:
    """Behind the last letter of a value; PyYAML counts comments behind a block to it."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last: Sequence[Any] | Any = node.value[-1]
    return _find_end(last[1] if isinstance(node, yaml.MappingNode) else last)


def _find_line_end(text: str, place: int) -> int:
    """Behind the line break of the line that the letter before `place` is in."""
    if text[place - 1 : place] == "\n":
        # As at the end of a text in lines of its own.
        return place
    found = text.find("\n", place)
    return len(text) if found < 0 else found + 1
