"""What a field means, for a person who asks: `training.batchSize`, `dataset.splits`, `Dataset`."""

from collections.abc import Sequence

from vtspec.schema.json_schema.field_docs import Field, get_all_fields, get_fields
from vtspec.schema.kinds.index import KINDS, get_model_class

from .suggestions import find_nearest


def explain(words: str) -> str | None:
    """The text about a kind or a field, or None where there is nothing of that name.

    A field may be named by its whole path or by the end of it, with its kind before it or not;
    all that fit are told.
    """
    kind = next((kind for kind in KINDS if kind.casefold() == words.casefold()), None)
    if kind is not None:
        return _describe_kind(kind)
    found = match_fields(words)
    return "\n\n".join(_describe_field(field) for field in found) if found else None


def match_fields(words: str) -> list[Field]:
    """The fields that `words` name: of those whose paths end so, the ones nearest the root."""
    asked = tuple(part for part in words.strip(".").split(".") if part)
    found = [field for field in get_all_fields() if asked and _fits(field, asked)]
    if not found:
        return []
    # `name` ends a dozen paths; the one nearest the root is what a person means.
    shortest = min(len(field.path) for field in found)
    return [field for field in found if len(field.path) == shortest]


def suggest_name(words: str) -> str | None:
    """The name nearest to one that fits nothing."""
    last = words.rsplit(".", 1)[-1]
    names = {field.path[-1] for field in get_all_fields()}
    whole = find_nearest(words, [field.name.removeprefix("spec.") for field in get_all_fields()])
    return whole or find_nearest(last, sorted(names))


def _fits(field: Field, asked: Sequence[str]) -> bool:
    if asked[0].casefold() == field.kind.casefold() and len(asked) > 1:
        rest = tuple(asked[1:])
        return field.path == rest or field.path == ("spec", *rest)
    return field.path[-len(asked) :] == tuple(asked)


def _describe_kind(kind: str) -> str:
    lines = [f"{kind}: {(get_model_class(kind).__doc__ or '').strip()}", ""]
    top = [field for field in get_fields(kind).values() if field.path[0] == "spec"]
    lines += _format_table([field for field in top if len(field.path) == 2])
    return "\n".join(lines)


def _describe_field(field: Field) -> str:
    lines = [f"{field.kind} {field.name}", "", f"  {' '.join(field.description.split())}", ""]
    unit = f", in {field.unit}" if field.unit else ""
    lines.append(f"  must be:  {field.type}{unit}")
    if field.required:
        lines.append("  default:  none: it is required")
    elif field.default is not None:
        lines.append(f"  default:  {field.default}")
    else:
        lines.append("  default:  left out")
    if field.examples:
        from .error_messages import format_flow

        lines.append(f"  example:  {field.path[-1]}: {format_flow(field.examples[0])}")
    below = [
        other
        for other in get_fields(field.kind).values()
        if other.path[:-1] == field.path and other.path[-1] in field.children
    ]
    return "\n".join([*lines, *([""] if below else []), *_format_table(below)])


def _format_table(fields: Sequence[Field]) -> list[str]:
    width = max((len(field.path[-1]) for field in fields), default=0)
    return [
        f"  {field.path[-1]:<{width}}  {' '.join(field.description.split())}".rstrip()
        for field in fields
    ]
