"""What pydantic refuses, in words that say what to type."""

import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial, reduce
from typing import Final

from vtspec.schema.json_schema.field_docs import (
    Field,
    describe_expected,
    find_elsewhere,
    find_spec_field,
    is_accepted,
    list_keys,
)
from vtspec.schema.kinds.patterns import (
    DURATION,
    FORMS,
    GATE,
    LONGEST_DURATION,
    MEMORY,
    NAME,
    TOO_LONG,
    UNITS,
    TextPattern,
)

from .dump import dump_flow
from .suggestions import find_nearest, format_choices, suggest_fix

Path = tuple[str | int, ...]

_LONGEST: Final = 60


@dataclass(frozen=True, kw_only=True)
class ProblemText:
    """The two halves of a problem; `at_key` says that the key is what is wrong."""

    message: str
    fix: str
    at_key: bool = False


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One refusal of pydantic's: its type and context, the path in the document, the value."""

    kind: str
    type: str
    path: Path
    value: object
    context: Mapping[str, object]
    ambiguous: bool = False
    """True where no branch of a union fits, so that no one branch's complaint is the reason."""


def describe_fault(fault: Fault) -> ProblemText:
    """The message and fix of a fault."""
    if fault.ambiguous:
        return _describe_wrong_type(fault)
    return _SAID.get(fault.type, _describe_wrong_type)(fault)


_PASSWORD: Final = re.compile(r"[^\s/'\"@:]+:[^\s/'\"@]+@(?=\w)")


def format_value(value: object) -> str:
    """A value as a message shows it: one short line, nothing that a terminal acts on."""
    try:
        # repr escapes what a terminal would act on; JSON writes the rest as YAML would.
        text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    # A name and a password before a host, which a file that is committed should not have either.
    text = _PASSWORD.sub("[hidden]@", text)
    if len(text) <= _LONGEST:
        return text
    if isinstance(value, dict):
        return "a mapping"
    return f"a list of {len(value)}" if isinstance(value, list) else f"{text[:_LONGEST]}…"


def _describe_missing(fault: Fault) -> ProblemText:
    key = str(fault.path[-1])
    field = find_spec_field(fault.kind, fault.path)
    fix = f"add '{key}: …'" if field is None else f"add '{_format_example(key, field)}'"
    where = f" under '{fault.path[-2]}'" if len(fault.path) > 1 else ""
    return ProblemText(message="is required", fix=f"{fix}{where}", at_key=True)


def _format_example(key: str, field: Field) -> str:
    return f"{key}: {format_flow(field.examples[0])}" if field.examples else f"{key}: …"


def format_flow(value: object) -> str:
    """A value in YAML's one-line style."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {format_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(format_flow, value))}]"
    return value if isinstance(value, str) else json.dumps(value)


def _describe_unknown_key(fault: Fault) -> ProblemText:
    key = fault.path[-1]
    names = list_keys(fault.kind, fault.path[:-1])
    # YAML 1.1 merges here; people who paste from Compose or CI files expect it.
    if key == "<<":
        return ProblemText(
            message="merge keys are not read", fix="write the fields out here", at_key=True
        )
    otherwise = f"remove it; the keys here are {', '.join(names)}" if names else "remove it"
    other = find_elsewhere(fault.kind, str(key)) if names else None
    if other is not None and find_nearest(key, names) is None:
        # Below `spec` a path is told from there on, as `--set` reads it; elsewhere whole.
        inside = fault.path[:1] == ("spec",)
        meant = other.name.removeprefix("spec.") if inside else other.name
        otherwise = f"did you mean '{meant}'?"
    return ProblemText(
        message=f"there is no key {format_value(key)} here",
        fix=suggest_fix(key, names, otherwise),
        at_key=True,
    )


def _describe_bad_choice(fault: Fault) -> ProblemText:
    if not isinstance(fault.value, str):
        return _describe_wrong_type(fault)
    expected = str(fault.context.get("expected", ""))
    # pydantic gives the choices as a sentence only.
    choices = re.findall(r"'([^']*)'", expected)
    message = f"must be {format_choices(choices)}, got {format_value(fault.value)}"
    name = _get_last_name(fault.path)
    return ProblemText(
        message=message,
        fix=suggest_fix(fault.value, choices, f"set {name} to {format_choices(choices)}"),
    )


def _describe_out_of_range(fault: Fault) -> ProblemText:
    for key, words, example in _BOUNDS:
        if key in fault.context:
            # `g` writes 1 for 1.0, as people do; ten digits keep every bound apart.
            bound = f"{fault.context[key]:.10g}"
            name = _get_last_name(fault.path)
            return ProblemText(
                message=f"must be {words} {bound}, got {format_value(fault.value)}",
                fix=f"set {name} to {example.format(bound)}",
            )
    return _describe_wrong_type(fault)


_BOUNDS: Final = (
    ("ge", "at least", "{} or more"),
    ("le", "at most", "{} or less"),
    ("gt", "more than", "more than {}"),
    ("lt", "less than", "less than {}"),
)


def _describe_wrong_form(fault: Fault) -> ProblemText:
    form = FORMS.get(str(fault.context.get("pattern")))
    if form is None:
        return _describe_wrong_type(fault)
    return ProblemText(
        message=f"must be {form.words}, got {format_value(fault.value)}",
        fix=_suggest_form_fix(form, fault.value),
        at_key=fault.path[-1:] == (fault.value,),
    )


def _suggest_form_fix(form: TextPattern, value: object) -> str:
    if form is NAME and isinstance(value, str):
        # Of a name nothing is "nearest", but its intended form can be made: "My Cats" is my-cats.
        slug = re.sub(r"[^a-z0-9]+", "-", value.casefold())[:40].strip("-")
        if slug:
            written = dump_flow(slug)
            return f"did you mean '{slug}'?" if written == slug else f"write {written} with quotes"
    mended = _suggest_correction(form, value)
    if mended is not None:
        return f"did you mean '{mended}'?"
    # Of which unit a bare number is, only whoever wrote it knows.
    if form in UNITS and isinstance(value, str) and re.fullmatch("[1-9][0-9]{0,5}", value):
        quantities = (f"{value}{unit}" for unit in UNITS[form])
        *others, last = (one for one in quantities if not re.search(TOO_LONG, one))
        return f"write {', '.join(others)} or {last}"
    return f"write it like '{form.example}'"


def _suggest_correction(form: TextPattern, value: object) -> str | None:
    """What a person probably meant by a size, a duration or a gate that is nearly right."""
    if not isinstance(value, str):
        return None
    # Decimal units become binary ones: who writes 4GB of memory means what the machine has.
    if form is MEMORY and (match := _SIZE.fullmatch(value)):
        return f"{match[1]}{match[2].upper()}i"
    if form is DURATION and (match := _TIME.fullmatch(value)):
        meant = f"{match[1]}{match[2].lower()}"
        return LONGEST_DURATION if re.search(TOO_LONG, meant) else meant
    if form is GATE and (match := _COMPARISON.fullmatch(value)):
        mended = f"{match[1]} {_OPERATORS[match[2]]} {match[3]}"
        return mended if re.fullmatch(form.pattern, mended) else None
    return None


_SIZE: Final = re.compile(r"([1-9][0-9]{0,5}) *([MmGgTt])[iI]?[bB]?")
_TIME: Final = re.compile(
    r"([1-9][0-9]{0,5}) *([smhdSMHD])(?:ecs?|econds?|ins?|inutes?|rs?|ours?|ays?)?"
)
_COMPARISON: Final = re.compile(r"(\S{1,80}) *(=>|=<|==|=|≥|≤) *(\S{1,30})")
# An equal sign asks for at least that much: no trained model hits a figure exactly.
_OPERATORS: Final = {"=>": ">=", "=<": "<=", "==": ">=", "=": ">=", "≥": ">=", "≤": "<="}


def _describe_wrong_length(fault: Fault) -> ProblemText:
    least, most = fault.context.get("min_length"), fault.context.get("max_length")
    is_text = isinstance(fault.value, str)
    bound_at = least if least is not None else most
    unit = ("character" if is_text else "item") + "s" * (bound_at != 1)
    length = len(fault.value) if isinstance(fault.value, str | list | dict) else 0
    if least is not None:
        bound = f"at least {least}"
        fix = "write something, or remove the line" if is_text else "add one, or remove the line"
    else:
        bound, fix = f"at most {most}", "shorten it"
    return ProblemText(
        message=f"must have {bound} {unit}, got {length}",
        fix=fix,
        at_key=fault.path[-1:] == (fault.value,),
    )


def _describe_own_rule(fault: Fault) -> ProblemText:
    return ProblemText(message=str(fault.context["message"]), fix=str(fault.context["fix"]))


def _describe_wrong_type(fault: Fault) -> ProblemText:
    wanted = describe_expected(fault.kind, fault.path)
    return ProblemText(
        message=f"must be {wanted}, got {format_value(fault.value)}",
        fix=_suggest_type_fix(fault, wanted),
    )


def _suggest_type_fix(fault: Fault, wanted: str) -> str:
    name = _get_last_name(fault.path)
    field = find_spec_field(fault.kind, fault.path)
    if fault.value is None:
        removable = field is None or not field.required
        return f"write a value after '{name}:'" + (", or remove the line" if removable else "")
    written = _suggest_writing(fault, wanted)
    if written is not None:
        return written
    if wanted.startswith("a mapping with the keys"):
        return f"write its keys below '{name}:', indented"
    # Last, since it is the least pointed: an example of the field, whatever was written.
    if field is not None and field.examples and isinstance(fault.path[-1], str):
        return f"write '{_format_example(name, field)}'"
    return f"set {name} to {wanted}"


def _suggest_writing(fault: Fault, wanted: str) -> str | None:
    """How to write the value itself, so that its field takes it; None where it never does."""
    value, accepts = fault.value, partial(is_accepted, fault.kind, fault.path)
    # Most mistakes of type are one habit: quotes where none belong, or YAML 1.1's yes and no.
    if isinstance(value, str):
        number = _read_number(value) if "number" in wanted else None
        if number is not None and accepts(_parse_number(number)):
            return f"write {number}" + (" without quotes" if number == value else "")
        if value.casefold() in _TRUTHS and wanted == "true or false":
            return f"write {_TRUTHS[value.casefold()]}"
        if wanted.startswith("a list") and accepts([value]):
            return f"write {dump_flow([value])}"
    elif isinstance(value, bool | int | float):
        text = json.dumps(value)
        if accepts(text):
            return f'write "{text}" with quotes'
        form = next((one for one in FORMS.values() if one.words == wanted), None)
        return None if form is None else _suggest_form_fix(form, text)
    return None


_TRUTHS: Final = {
    "yes": "true",
    "on": "true",
    "true": "true",
    "no": "false",
    "off": "false",
    "false": "false",
}


_NUMBER: Final = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_GROUPED: Final = re.compile(r"[-+]?[0-9]{1,3}([,' ][0-9]{3})+(\.[0-9]+)?")
_SIXTIES: Final = re.compile(r"[0-9]+(:[0-5]?[0-9])+")


def _read_number(text: str) -> str | None:
    """The number that a text means, as YAML 1.2 writes it; None where it means none.

    YAML 1.1 (https://yaml.org/type/int.html) also has 1_000, 0b11 and, of base 60, 1:30.
    """
    # A keyboard that writes Korean has digits of full width.
    plain = unicodedata.normalize("NFKC", text).strip().replace("_", "")
    if _GROUPED.fullmatch(plain):
        plain = re.sub("[,' ]", "", plain)
    elif re.fullmatch("0[bB][01]+", plain):
        plain = str(int(plain, 2))
    elif _SIXTIES.fullmatch(plain):
        plain = str(reduce(lambda total, part: 60 * total + int(part), plain.split(":"), 0))
    return plain if _NUMBER.fullmatch(plain) and math.isfinite(float(plain)) else None


def _parse_number(text: str) -> int | float:
    return int(text) if re.fullmatch("[-+]?[0-9]+", text) else float(text)


def _get_last_name(path: Path) -> str:
    return next((part for part in reversed(path) if isinstance(part, str)), "it")


_SAID: Final[dict[str, Callable[[Fault], ProblemText]]] = {
    "missing": _describe_missing,
    "extra_forbidden": _describe_unknown_key,
    "literal_error": _describe_bad_choice,
    "greater_than_equal": _describe_out_of_range,
    "greater_than": _describe_out_of_range,
    "less_than_equal": _describe_out_of_range,
    "less_than": _describe_out_of_range,
    "string_pattern_mismatch": _describe_wrong_form,
    "string_too_short": _describe_wrong_length,
    "string_too_long": _describe_wrong_length,
    "too_short": _describe_wrong_length,
    "too_long": _describe_wrong_length,
    "rule": _describe_own_rule,
}
