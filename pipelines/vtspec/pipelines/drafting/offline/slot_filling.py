"""Takes settings into the draft: ranges, contradictions, relative values, switches."""

import re
from dataclasses import replace
from typing import Final, TypeAlias

from vtspec.pipelines.language import Tongue

from .draft_builder import DraftBuilder, QuestionPriority
from .mentions import Mention, ParsedText
from .numbers import Value, normalize_number
from .value_ranges import (
    DEFAULTS,
    MEBI,
    NUMBERS,
    SECONDS,
    Range,
    cast_number,
    format_duration,
    format_memory,
)

NumericValue: TypeAlias = Value | tuple[Value, Value]
"""A number, or the two sides of an image."""

_CHOICES: Final = (
    "training.optimizer", "training.scheduler", "training.augmentation", "training.precision",
    "training.freeze", "framework",
)  # fmt: skip
_NAMES: Final = (
    "tracking.experiment", "tracking.registerAs", "training.checkpoint.monitor", "model.weights",
)  # fmt: skip
_USUAL: Final = {
    "training.gradientClipping": 1.0,
    "training.labelSmoothing": 0.1,
    "training.warmupEpochs": 5.0,
}
"""Values of fields that are asked for without one."""

_ON_BY_DEFAULT: Final = ("training.weightDecay", "training.momentum", "params.hflip")
"""Fields that are zero where they are negated, as their default is another."""


_OFF_AT_ZERO: Final = (*_ON_BY_DEFAULT, "training.warmupEpochs", "training.labelSmoothing")
"""Fields that zero turns off, so that a value beside their negation is another one."""


def resolve_values(sheet: DraftBuilder, reading: ParsedText) -> None:
    """Sets every number, choice and switch that was said; GPUs are set by `resolve_gpus`."""
    for path in NUMBERS:
        if path != "resources.gpus":  # GPUs wait for their type, which may bring one
            resolve_number(sheet, path, reading)
    for path in DEFAULTS:
        _resolve_quantity(sheet, path, reading)
    for path in _CHOICES:
        _resolve_choice(sheet, path, reading)
    _resolve_switches(sheet, reading)
    _resolve_class_weights(sheet, reading)
    _resolve_export(sheet, reading)
    for path in _NAMES:
        for each in reading.get_mentions(path):
            if each.operation == "set":
                sheet.set(path, each.value)
        if reading.get_negated(path):
            sheet.drop(path)


def get_value_mentions(reading: ParsedText, path: str) -> list[Mention]:
    """The values that stand of a field; a field that was only named is none."""
    return [each for each in reading.get_mentions(path) if each.operation != "remove"]


def is_refused(reading: ParsedText, path: str) -> bool:
    """Whether a field is negated as a whole, without a value, and that was not corrected."""
    return any(each.value is None and not each.corrected for each in reading.get_negated(path))


def resolve_number(sheet: DraftBuilder, path: str, reading: ParsedText) -> None:
    """A field whose value is a number, or what has to be asked of it."""
    mentions = get_value_mentions(reading, path)
    if not mentions:
        _resolve_valueless_field(sheet, path, reading)
        return
    # before ranges and values: nothing may be reckoned from it
    unclear = [each.said for each in mentions if each.operation == "unclear"]
    if unclear:
        _mark_pending(sheet, path, unclear[0])
        sheet.ask(QuestionPriority.CONTRADICTION, "unclear", f"spec.{path}", (), said=unclear[0])
        return
    ranged = [each for each in mentions if each.operation == "range"]
    if ranged:
        low, high = ranged[0].value[0]
        # `lr from 3e-4 to 1e-4` where 3e-4 is set is a change, and no range
        if low == sheet.get(path) and _FROM.search(ranged[0].said):
            _set_number(sheet, path, high)
            return
        _mark_pending(sheet, path, f"{format_number(low)}-{format_number(high)}")
        sheet.ask(
            QuestionPriority.CONTRADICTION,
            "range",
            f"spec.{path}",
            [format_number(low), format_number(high)],
            said=ranged[0].said,
        )
        return
    values = list(dict.fromkeys(_compute_value(sheet, path, each) for each in mentions))
    if path in _OFF_AT_ZERO and is_refused(reading, path):  # `without warm-up, warm-up 3`
        values = list(dict.fromkeys([0, *values]))
    if len(values) > 1:  # `50 epochs, 100 epochs`; two times the same is one
        _mark_pending(sheet, path, ", ".join(map(format_value, values)))
        sheet.ask(
            QuestionPriority.CONTRADICTION,
            "two",
            f"spec.{path}",
            [format_value(value) for value in values],
        )
        return
    _set_number(sheet, path, values[0])


def format_value(value: NumericValue) -> str:
    """A value as choices show it."""
    return (
        "x".join(format_number(each) for each in value)
        if isinstance(value, tuple)
        else format_number(value)
    )


def _set_number(sheet: DraftBuilder, path: str, value: NumericValue) -> None:
    allowed = NUMBERS[path]
    sides = value if isinstance(value, tuple) else (value,)
    if not all(allowed.contains(side) for side in sides):
        sheet.drop(path)
        sheet.ask(
            QuestionPriority.CONTRADICTION,
            "out",
            f"spec.{path}",
            (),
            said=format_value(value),
            range=format_range(allowed, sheet.tongue),
        )
        return
    if isinstance(value, tuple):
        whole = [int(side) for side in sides]
        sheet.set(path, whole[0] if len(set(whole)) == 1 else whole)
    else:
        sheet.set(path, cast_number(path, value))


_FRACTION: Final = re.compile(r"\d ?/ ?(\d+)|(\d+) ?분의")
_FROM: Final = re.compile(r"\bfrom\b|에서|부터")
"""What makes a range a change, where it begins at the value that is there."""

_SHARE: Final = re.compile(r"%|percent|퍼센트|프로(?![가-힣])")
_CERTAIN: Final = 100
"""Parts smaller than one in so many are values themselves: nobody divides a value by 1000."""


def _compute_value(sheet: DraftBuilder, path: str, mention: Mention) -> NumericValue:
    """The value of a mention; fractions and shares as what they are of."""
    part = _FRACTION.search(mention.said) if mention.operation == "scale" else None
    held = sheet.get(path)
    if part is not None and (
        # `lr 1/1000` is 0.001 even where a value is held
        (held is None and not sheet.edits) or int(part[1] or part[2]) >= _CERTAIN
    ):
        fraction: Value = mention.value[0]
        return fraction
    value = _apply_operation(sheet, path, mention)
    if NUMBERS[path].whole and mention.operation == "set" and _SHARE.search(mention.said):
        # `to 150 %` is a part of what there is.
        scaled = replace(mention, value=(mention.value, ""), operation="scale")
        return _apply_operation(sheet, path, scaled)
    if (
        path == "training.warmupEpochs"
        and mention.operation == "set"
        and not isinstance(value, tuple)
        and value < 1  # `warm-up 10% of the epochs` is 3 of 30, not 0.1
    ):
        epochs = sheet.get("training.epochs")
        if _SHARE.search(mention.said) and isinstance(epochs, int):
            value = normalize_number(value * epochs)
            sheet.assume(f"spec.{path}", value, "of-epochs")
    # `lr half` of nothing: of the default, and said so
    elif held is None and mention.operation in ("scale", "add"):
        sheet.assume(f"spec.{path}", value, "of-default")
    return value


def _apply_operation(sheet: DraftBuilder, path: str, mention: Mention) -> NumericValue:
    """The value that a mention gives, relative ones counted from what is there."""
    if mention.operation == "set":
        said = mention.value
        has_unit = isinstance(said, tuple) and len(said) == 2 and isinstance(said[1], str)
        number: NumericValue = said[0] if has_unit else said
        return number
    base = sheet.get(path)
    start: Value = base if isinstance(base, int | float) else NUMBERS[path].default or 0
    change = mention.value[0]
    value = normalize_number(start * change if mention.operation == "scale" else start + change)
    if NUMBERS[path].whole and isinstance(value, float) and abs(value) < 1e15:
        rounded = max(int(NUMBERS[path].low), round(value))  # `절반` of 5 epochs
        sheet.assume(f"spec.{path}", rounded, "rounded")
        return rounded
    return value


def _resolve_valueless_field(sheet: DraftBuilder, path: str, reading: ParsedText) -> None:
    if reading.get_negated(path):
        if path == "training.augmentation":  # `no augmentation` is a choice, and no number
            return
        sheet.drop(path)
        if path in _ON_BY_DEFAULT:  # dropped, the default of 0.01 would decay all the same
            sheet.set(path, 0.0)
        return
    bare = reading.get_mentions(path)
    # `with label smoothing` names no value
    if bare and path in _USUAL and sheet.get(path) is None:
        sheet.set(path, _USUAL[path])
        sheet.assume(f"spec.{path}", _USUAL[path], "usual-value")


def _mark_pending(sheet: DraftBuilder, path: str, said: str) -> None:
    sheet.drop(path)
    sheet.assume(f"spec.{path}", said, "pending")


def format_number(value: Value) -> str:
    """A number as a person would type it."""
    if isinstance(value, float):
        return f"{value:.12g}"
    return str(value)[:60]


def format_held(value: object) -> str:
    """A value of a draft as a sentence shows it."""
    if isinstance(value, int | float):
        return format_number(value)
    return "x".join(map(str, value)) if isinstance(value, list) else str(value)


def format_range(allowed: Range, tongue: Tongue) -> str:
    """A range in words."""
    whole, low, high = allowed.whole, f"{allowed.low:.10g}", f"{allowed.high:.10g}"
    if tongue == "ko":
        first = f"{low} {'초과' if allowed.open_low else '이상'}"
        last = (
            ""
            if allowed.high == float("inf")
            else f" {high} {'미만' if allowed.open_high else '이하'}"
        )
        return f"{first}{last}인 정수" if whole else f"{first}{last}"
    first = f"{'more than' if allowed.open_low else 'at least'} {low}"
    last = (
        ""
        if allowed.high == float("inf")
        else f" and {'less than' if allowed.open_high else 'at most'} {high}"
    )
    return f"{'a whole number, ' if whole else ''}{first}{last}"


def _resolve_quantity(sheet: DraftBuilder, path: str, reading: ParsedText) -> None:
    mentions = get_value_mentions(reading, path)
    if not mentions:
        if reading.get_negated(path):
            sheet.drop(path)
        return
    texts = []
    for each in mentions:
        if each.operation in ("range", "unclear"):
            _mark_pending(sheet, path, each.said)
            sheet.ask(
                QuestionPriority.CONTRADICTION, each.operation, f"spec.{path}", (), said=each.said
            )
            return
        text = _format_quantity(sheet, path, each)
        if text is None:
            sheet.drop(path)
            sheet.ask(
                QuestionPriority.CONTRADICTION,
                "out",
                f"spec.{path}",
                (),
                said=each.said,
                range="0 초과" if sheet.tongue == "ko" else "more than 0",
            )
            return
        texts.append(text)
    if len(set(texts)) > 1:
        _mark_pending(sheet, path, ", ".join(texts))
        sheet.ask(
            QuestionPriority.CONTRADICTION, "two", f"spec.{path}", list(dict.fromkeys(texts))
        )
        return
    sheet.set(path, texts[-1])


def _format_quantity(sheet: DraftBuilder, path: str, mention: Mention) -> str | None:
    """The memory or time that a mention gives, as a spec writes it; None where there is none."""
    is_memory = path == "resources.memory"
    value = mention.value
    if mention.operation != "set":
        return _change_quantity(
            str(sheet.get(path) or DEFAULTS[path]), mention, is_memory=is_memory
        )
    number, unit = value if isinstance(value, tuple) else (value, "")
    if is_memory:
        # `memory 16`: gigabytes, as no run is content with bytes
        return format_memory(number, unit if unit in MEBI else "gi")
    return format_duration(number, unit if unit in SECONDS else "h")


def _change_quantity(held: str, mention: Mention, *, is_memory: bool) -> str | None:
    """What is held, times a factor or with more on top."""
    number, unit = mention.value
    size = (MEBI[held[-2:].lower()], held[:-2]) if is_memory else (SECONDS[held[-1]], held[:-1])
    now = size[0] * int(size[1])
    if mention.operation == "scale":
        changed = normalize_number(now * number)
    elif is_memory:
        changed = normalize_number(now + number * MEBI.get(unit or held[-2:].lower(), 1024))
    else:
        changed = normalize_number(now + number * SECONDS.get(unit or held[-1], 3600))
    return format_memory(changed / 1024, "gi") if is_memory else format_duration(changed, "s")


_NEGATED_IS_NONE: Final = ("training.augmentation", "training.freeze")


def _resolve_choice(sheet: DraftBuilder, path: str, reading: ParsedText) -> None:
    values = list(dict.fromkeys(each.value for each in get_value_mentions(reading, path)))
    negated = reading.get_negated(path)
    # `no augmentation, strong augmentation`: of what is negated as a whole nothing is wanted
    if values and path in _NEGATED_IS_NONE and is_refused(reading, path):
        values = list(dict.fromkeys(["none", *values]))
    if len(values) > 1:
        sheet.drop(path)
        sheet.ask(QuestionPriority.CONTRADICTION, "two", f"spec.{path}", values)
    elif values:  # `sgd 말고 adam`: what is negated is not asked about
        sheet.set(path, values[0])
    elif path in _NEGATED_IS_NONE and any(
        each.value is None or path == "training.freeze" for each in negated
    ):
        sheet.set(path, "none")
    elif any(each.value in (None, sheet.get(path)) for each in negated):
        sheet.drop(path)
    # `freeze` alone: the backbone, as nothing else can be frozen
    elif path == "training.freeze" and reading.get_mentions(path):
        sheet.set(path, "backbone")


def _resolve_switches(sheet: DraftBuilder, reading: ParsedText) -> None:
    for path in ("training.earlyStopping", "training.ema"):
        child = (
            "training.earlyStopping.patience"
            if path.endswith("Stopping")
            else "training.ema.decay"
        )
        refused = any(not each.corrected for each in reading.get_negated(path))
        if refused and len(get_value_mentions(reading, child)) == 1 and sheet.get(child):
            choices = ["none", format_held(sheet.get(child))]
            sheet.drop(path)
            sheet.ask(QuestionPriority.CONTRADICTION, "two", f"spec.{child}", choices)
        elif reading.get_negated(path) or (
            reading.get_negated(child) and not reading.get_mentions(child)
        ):
            sheet.drop(path)
        # on, and a patience that is set stays
        elif reading.get_mentions(path) and not isinstance(sheet.get(path), dict):
            sheet.set(path, {})
    said = reading.get_mentions("training.deterministic")
    if said:
        sheet.set("training.deterministic", said[-1].value)
    elif reading.get_negated("training.deterministic"):
        sheet.set(
            "training.deterministic", not reading.get_negated("training.deterministic")[-1].value
        )


def detect_pretrained(reading: ParsedText) -> bool | None:
    """Whether published weights are wanted; None where nothing was said."""
    said = [
        each.value if each.is_active else not each.value
        for each in reading.mentions
        if each.field == "model.pretrained" and not each.corrected
    ]
    if len(set(said)) > 1:
        # "from scratch, without pretrained weights": a negation says more than a mention.
        return False
    return said[-1] if said else None


def _resolve_class_weights(sheet: DraftBuilder, reading: ParsedText) -> None:
    if reading.get_mentions("training.classWeights"):
        sheet.set("training.classWeights", "balanced")
    elif reading.get_negated("training.classWeights"):
        sheet.drop("training.classWeights")


def _resolve_export(sheet: DraftBuilder, reading: ParsedText) -> None:
    wanted = {each.value for each in get_value_mentions(reading, "export.formats")}
    negated = [each for each in reading.get_negated("export.formats") if not each.corrected]
    unwanted = {"onnx" if each.value is None else each.value for each in negated}
    if not wanted and not unwanted:
        return
    if "onnx" in wanted & unwanted:  # `no export and ONNX`
        sheet.drop("export.formats")
        choices = ["safetensors", "onnx"]
        sheet.ask(QuestionPriority.CONTRADICTION, "two", "spec.export.formats", choices)
        return
    held = sheet.get("export.formats") or ["safetensors"]
    formats = [
        each
        for each in ("safetensors", "onnx")
        # the weights themselves are always written
        if (each in held or each in wanted or each == "safetensors")
        and each not in unwanted - {"safetensors"}
    ]
    if formats == ["safetensors"] and not wanted:
        sheet.drop("export.formats")
    else:
        sheet.set("export.formats", formats)
