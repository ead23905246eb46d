"""Settings from mentions onto the sheet: ranges, contradictions, relative values, switches."""

import re
from dataclasses import replace
from typing import Any, Final

from vtspec.pipelines.drafting.language import Tongue

from .draft_builder import Rank, Sheet
from .mentions import Mention, Reading
from .numbers import Value, exact
from .value_ranges import DEFAULTS, MEBI, NUMBERS, SECONDS, Range, duration, memory, typed

_CHOICES: Final = (
    "training.optimizer",
    "training.scheduler",
    "training.augmentation",
    "training.precision",
    "training.freeze",
    "framework",
)
_USUAL: Final = {
    "training.gradientClipping": 1.0,
    "training.labelSmoothing": 0.1,
    "training.warmupEpochs": 5.0,
}
"""Values of fields that are asked for without one."""

_ON_BY_DEFAULT: Final = ("training.weightDecay", "training.momentum")
"""Fields that are zero where they are negated, as their default is another."""


def settle_values(sheet: Sheet, reading: Reading) -> None:
    """Every number, choice and switch that was said."""
    for path in NUMBERS:
        if path != "resources.gpus":
            settle_number(sheet, path, reading)
    for path in DEFAULTS:
        _with_unit(sheet, path, reading)
    for path in _CHOICES:
        _choice(sheet, path, reading)
    _switches(sheet, reading)
    _weights_of_classes(sheet, reading)
    _export(sheet, reading)
    for path in (
        "tracking.experiment",
        "tracking.registerAs",
        "training.checkpoint.monitor",
        "model.weights",
    ):
        for each in reading.of(path):
            if each.operation == "set":
                sheet.set(path, each.value)
        if reading.negated(path):
            sheet.drop(path)


def said(reading: Reading, path: str) -> list[Mention]:
    """The values that stand of a field; a field that was only named is none."""
    return [each for each in reading.of(path) if each.operation != "remove"]


def settle_number(sheet: Sheet, path: str, reading: Reading) -> None:
    """A field whose value is a number, or what has to be asked of it."""
    mentions = said(reading, path)
    if not mentions:
        _without_number(sheet, path, reading)
        return
    unclear = [each.said for each in mentions if each.operation == "unclear"]
    if unclear:
        _pend(sheet, path, unclear[0])
        sheet.ask(Rank.CONTRADICTION, "unclear", f"spec.{path}", (), said=unclear[0])
        return
    ranged = [each for each in mentions if each.operation == "range"]
    if ranged:
        low, high = ranged[0].value[0]
        if low == sheet.get(path) and _FROM.search(ranged[0].said):
            _put(sheet, path, high)
            return
        _pend(sheet, path, f"{shown(low)}-{shown(high)}")
        sheet.ask(
            Rank.CONTRADICTION,
            "range",
            f"spec.{path}",
            [shown(low), shown(high)],
            said=ranged[0].said,
        )
        return
    values = list(dict.fromkeys(_key(_value(sheet, path, each)) for each in mentions))
    if len(values) > 1:
        _pend(sheet, path, ", ".join(map(shown_key, values)))
        sheet.ask(
            Rank.CONTRADICTION, "two", f"spec.{path}", [shown_key(value) for value in values]
        )
        return
    _put(sheet, path, values[0])


def _key(value: Any) -> Any:
    return tuple(value) if isinstance(value, list | tuple) else value


def shown_key(value: Any) -> str:
    """A value as choices show it."""
    return "x".join(shown(each) for each in value) if isinstance(value, tuple) else shown(value)


def _put(sheet: Sheet, path: str, value: Any) -> None:
    allowed = NUMBERS[path]
    sides = value if isinstance(value, tuple) else (value,)
    if not all(allowed.holds(side) for side in sides):
        sheet.drop(path)
        sheet.ask(
            Rank.CONTRADICTION,
            "out",
            f"spec.{path}",
            (),
            said=shown_key(_key(value)),
            range=shown_range(allowed, sheet.tongue),
        )
        return
    if isinstance(value, tuple):
        whole = [int(side) for side in sides]
        sheet.set(path, whole[0] if len(set(whole)) == 1 else whole)
    else:
        sheet.set(path, typed(path, value))


_FRACTION: Final = re.compile(r"\d ?/ ?(\d+)|(\d+) ?분의")
_FROM: Final = re.compile(r"\bfrom\b|에서|부터")
"""What makes a range a change, where it begins at the value that is there."""

_SHARE: Final = re.compile(r"%|percent|퍼센트|프로(?![가-힣])")
_CERTAIN: Final = 100
"""Parts smaller than one in so many are values themselves: nobody divides a value by 1000."""


def _value(sheet: Sheet, path: str, mention: Mention) -> Any:
    """The value of a mention; fractions and shares as what they are of."""
    part = _FRACTION.search(mention.said) if mention.operation == "scale" else None
    held = sheet.get(path)
    if part is not None and (
        (held is None and not sheet.edits) or int(part[1] or part[2]) >= _CERTAIN
    ):
        return mention.value[0]
    value = _resolved(sheet, path, mention)
    if NUMBERS[path].whole and mention.operation == "set" and _SHARE.search(mention.said):
        # `to 150 %` is a part of what there is.
        scaled = replace(mention, value=(mention.value, ""), operation="scale")
        return _resolved(sheet, path, scaled)
    if path == "training.warmupEpochs" and mention.operation == "set" and value < 1:
        epochs = sheet.get("training.epochs")
        if _SHARE.search(mention.said) and isinstance(epochs, int):
            value = exact(value * epochs)
            sheet.assume(f"spec.{path}", value, "of-epochs")
    elif held is None and mention.operation in ("scale", "add"):
        sheet.assume(f"spec.{path}", value, "of-default")
    return value


def _resolved(sheet: Sheet, path: str, mention: Mention) -> Any:
    """The value that a mention gives, relative ones counted from what is there."""
    if mention.operation == "set":
        return (
            mention.value[0]
            if isinstance(mention.value, tuple)
            and len(mention.value) == 2
            and isinstance(mention.value[1], str)
            else mention.value
        )
    base = sheet.get(path)
    start: Value = base if isinstance(base, int | float) else NUMBERS[path].default or 0
    change = mention.value[0]
    value = exact(start * change if mention.operation == "scale" else start + change)
    if NUMBERS[path].whole and isinstance(value, float) and abs(value) < 1e15:
        rounded = max(int(NUMBERS[path].low), round(value))
        sheet.assume(f"spec.{path}", rounded, "rounded")
        return rounded
    return value


def _without_number(sheet: Sheet, path: str, reading: Reading) -> None:
    if reading.negated(path):
        if path == "training.augmentation":
            return
        sheet.drop(path)
        if path in _ON_BY_DEFAULT:
            sheet.set(path, 0.0)
        return
    bare = reading.of(path)
    if bare and path in _USUAL and sheet.get(path) is None:
        sheet.set(path, _USUAL[path])
        sheet.assume(f"spec.{path}", _USUAL[path], "usual-value")


def _pend(sheet: Sheet, path: str, said: str) -> None:
    sheet.drop(path)
    sheet.assume(f"spec.{path}", said, "pending")


def shown(value: Any) -> str:
    """A number as a person would type it."""
    if isinstance(value, float):
        return f"{value:.12g}"
    return str(value)[:60]


def shown_range(allowed: Range, tongue: Tongue) -> str:
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


def _with_unit(sheet: Sheet, path: str, reading: Reading) -> None:
    mentions = said(reading, path)
    if not mentions:
        if reading.negated(path):
            sheet.drop(path)
        return
    texts = []
    for each in mentions:
        if each.operation in ("range", "unclear"):
            _pend(sheet, path, each.said)
            sheet.ask(Rank.CONTRADICTION, each.operation, f"spec.{path}", (), said=each.said)
            return
        text = _text_of(sheet, path, each)
        if text is None:
            sheet.drop(path)
            sheet.ask(
                Rank.CONTRADICTION,
                "out",
                f"spec.{path}",
                (),
                said=each.said,
                range="0 초과" if sheet.tongue == "ko" else "more than 0",
            )
            return
        texts.append(text)
    if len(set(texts)) > 1:
        _pend(sheet, path, ", ".join(texts))
        sheet.ask(Rank.CONTRADICTION, "two", f"spec.{path}", list(dict.fromkeys(texts)))
        return
    sheet.set(path, texts[-1])


def _text_of(sheet: Sheet, path: str, mention: Mention) -> str | None:
    """The memory or time that a mention gives, as a spec writes it; None where there is none."""
    is_memory = path == "resources.memory"
    value = mention.value
    if mention.operation != "set":
        return _changed(str(sheet.get(path) or DEFAULTS[path]), mention, is_memory=is_memory)
    number, unit = value if isinstance(value, tuple) else (value, "")
    if is_memory:
        return memory(number, unit if unit in MEBI else "gi")
    return duration(number, unit if unit in SECONDS else "h")


def _changed(held: str, mention: Mention, *, is_memory: bool) -> str | None:
    """What is held, times a factor or with more on top."""
    number, unit = mention.value
    size = (MEBI[held[-2:].lower()], held[:-2]) if is_memory else (SECONDS[held[-1]], held[:-1])
    now = size[0] * int(size[1])
    if mention.operation == "scale":
        changed = exact(now * number)
    elif is_memory:
        changed = exact(now + number * MEBI.get(unit or held[-2:].lower(), 1024))
    else:
        changed = exact(now + number * SECONDS.get(unit or held[-1], 3600))
    return memory(changed / 1024, "gi") if is_memory else duration(changed, "s")


def _choice(sheet: Sheet, path: str, reading: Reading) -> None:
    values = list(dict.fromkeys(each.value for each in said(reading, path)))
    negated = reading.negated(path)
    if len(values) > 1:
        sheet.drop(path)
        sheet.ask(Rank.CONTRADICTION, "two", f"spec.{path}", values)
    elif values:
        sheet.set(path, values[0])
    elif path in ("training.augmentation", "training.freeze") and any(
        each.value is None or path == "training.freeze" for each in negated
    ):
        sheet.set(path, "none")
    elif any(each.value in (None, sheet.get(path)) for each in negated):
        sheet.drop(path)
    elif path == "training.freeze" and reading.of(path):
        sheet.set(path, "backbone")


def _switches(sheet: Sheet, reading: Reading) -> None:
    for path in ("training.earlyStopping", "training.ema"):
        child = (
            "training.earlyStopping.patience"
            if path.endswith("Stopping")
            else "training.ema.decay"
        )
        if reading.negated(path) or (reading.negated(child) and not reading.of(child)):
            sheet.drop(path)
        elif reading.of(path) and not isinstance(sheet.get(path), dict):
            sheet.set(path, {})
    said = reading.of("training.deterministic")
    if said:
        sheet.set("training.deterministic", said[-1].value)
    elif reading.negated("training.deterministic"):
        sheet.set(
            "training.deterministic", not reading.negated("training.deterministic")[-1].value
        )


def pretrained_said(reading: Reading) -> bool | None:
    """Whether published weights are wanted; None where nothing was said."""
    said = [
        each.value if each.stands else not each.value
        for each in reading.mentions
        if each.field == "model.pretrained" and not each.corrected
    ]
    if len(set(said)) > 1:
        # "from scratch, without pretrained weights": a negation says more than a mention.
        return False
    return said[-1] if said else None


def _weights_of_classes(sheet: Sheet, reading: Reading) -> None:
    if reading.of("training.classWeights"):
        sheet.set("training.classWeights", "balanced")
    elif reading.negated("training.classWeights"):
        sheet.drop("training.classWeights")


def _export(sheet: Sheet, reading: Reading) -> None:
    wanted = {each.value for each in reading.of("export.formats")}
    unwanted = {each.value for each in reading.negated("export.formats")}
    if not wanted and not unwanted:
        return
    held = sheet.get("export.formats") or ["safetensors"]
    formats = [
        each
        for each in ("safetensors", "onnx")
        if (each in held or each in wanted or each == "safetensors")
        and each not in unwanted - {"safetensors"}
    ]
    if formats == ["safetensors"] and not wanted:
        sheet.drop("export.formats")
    else:
        sheet.set("export.formats", formats)
