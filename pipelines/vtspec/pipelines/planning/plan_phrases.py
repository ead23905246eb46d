"""What a plan says of itself in words, for a terminal and a comment alike. Pure."""

from collections.abc import Mapping
from typing import Final

from vtspec.pipelines.estimation.estimate import Estimate
from vtspec.pipelines.formatting import (
    format_cost,
    format_count,
    format_duration,
    format_range,
    format_size,
    join_ends,
    pluralize,
)
from vtspec.pipelines.language import Sentence, Tongue
from vtspec.pipelines.weights.model import (
    FileWeights,
    HubWeights,
    MlflowWeights,
    RunWeights,
    UnpinnedWeights,
)

from .diff import Effect
from .plan_model import Plan

NOTHING: Final = "none"
UNKNOWN: Final = Sentence(en="not known", ko="알 수 없음")


EFFECTS: Final[dict[Effect, Sentence]] = {
    "new run": Sentence(en="new run", ko="새 실행"),
    "same run": Sentence(en="same run", ko="같은 실행"),
    "cosmetic": Sentence(en="cosmetic", ko="표기"),
}
"""The effect of a change, as it stands beside it."""

MEANINGS: Final[dict[Effect, Sentence]] = {
    "new run": Sentence(
        en="it decides the result, so this is another plan, to be trained",
        ko="결과를 결정하므로 다른 계획이며 새로 학습합니다",
    ),
    "same run": Sentence(
        en="the result stays; gates, exports or the machine differ",
        ko="결과는 그대로이고 게이트, 내보내기, 장비만 다릅니다",
    ),
    "cosmetic": Sentence(
        en="words for people, and what follows from other fields",
        ko="사람을 위한 표기와 다른 필드에서 따라오는 값입니다",
    ),
}
"""What the effect of a change means to whoever reads the plan."""


def describe_plan(made: Plan, tongue: Tongue = "en") -> str:
    """What a run of the plan does, in a sentence."""
    if tongue == "ko":
        return _describe_in_korean(made)
    count, epochs = made.model.parameters, made.training.epochs
    size = "" if count is None else f" ({format_count(count)} parameters)"
    counted = made.dataset.statistics
    images = "" if counted is None else f", {pluralize(counted['images'], 'image')}"
    named = len(made.dataset.classes or ())
    classes = f", {pluralize(named, 'class', 'classes')}" if named else ""
    return (
        f"trains {made.model.name}{size} from {format_weights(made)} on {made.dataset.name}"
        f" ({made.dataset.format}{images}{classes}) for {pluralize(epochs, 'epoch')} "
        f"on {format_machine(made)}, and measures the best epoch on {made.dataset.final_split}"
    )


def _describe_in_korean(made: Plan) -> str:
    count, counted = made.model.parameters, made.dataset.statistics
    size = "" if count is None else f" (파라미터 {_format_korean_count(count)}개)"
    images = "" if counted is None else f", 이미지 {counted['images']:,}장"
    named = len(made.dataset.classes or ())
    classes = f", 클래스 {named:,}개" if named else ""
    return (
        f"{made.dataset.name} ({made.dataset.format}{images}{classes}) 데이터로 "
        f"{made.model.name}{size} 모델을 학습합니다: 시작 {format_weights(made, 'ko')}, "
        f"{made.training.epochs:,}에포크, {format_machine(made, 'ko')}. "
        f"가장 좋은 에포크를 {made.dataset.final_split}에서 평가합니다"
    )


def _format_korean_count(count: int) -> str:
    """A count in the units that Korean has: `1,120만`, `8.6억`."""
    if count >= 100_000_000:
        return f"{count / 100_000_000:,.1f}억"
    return f"{count / 10_000:,.0f}만" if count >= 10_000 else f"{count:,}"


def format_weights(made: Plan, tongue: Tongue = "en") -> str:
    """What the model starts from, in a few words."""
    match made.model.weights:
        case None:
            return Sentence(en="random weights", ko="무작위 가중치").say(tongue)
        case HubWeights(id=name, revision=revision):
            at = revision[:12]
            return Sentence(en=f"{name} at {at}", ko=f"{name} ({at})").say(tongue)
        case FileWeights(path=path) | RunWeights(path=path):
            return path
        case MlflowWeights(name=name, version=version):
            return f"models:/{name}/{version}"
        case UnpinnedWeights(source=source):
            return Sentence(en=f"{source}, not pinned", ko=f"{source} (고정 안 됨)").say(tongue)


def format_machine(made: Plan, tongue: Tongue = "en") -> str:
    """What it runs on: `2 t4 and 8 cores`."""
    gpus, cpus = made.resources.gpus, made.resources.cpus
    if tongue == "ko":
        cores = f"CPU 코어 {cpus:g}개"
        return f"{made.resources.gpu_type or 'GPU'} {gpus}개와 {cores}" if gpus else cores
    cores = pluralize(cpus, "core")
    if not gpus:
        return cores
    return f"{pluralize(gpus, made.resources.gpu_type or 'GPU')} and {cores}"


def format_time(guess: Estimate, tongue: Tongue = "en") -> str:
    """How long it is thought to take, with its range."""
    seconds, bounds = guess.whole_seconds, guess.whole_range
    if seconds is None:
        return UNKNOWN.say(tongue)
    rough = format_duration(seconds, "rough", tongue)
    about = Sentence(en=f"about {rough}", ko=f"약 {rough}").say(tongue)
    return about if bounds is None else f"{about} ({format_range(*bounds, tongue)})"


def format_memory(count: int | None) -> str:
    """What memory it is thought to take."""
    return UNKNOWN.en if count is None else f"about {format_size(count, 'rough')}"


def format_costs(made: Plan, tongue: Tongue = "en") -> str:
    """What it is thought to cost, with its range; without prices, the hours."""
    guess, resources = made.estimate, made.resources
    if guess.seconds is None:
        return UNKNOWN.say(tongue)
    if guess.cost is None:
        # Whoever knows the prices can still do the sum.
        gpu_hours = guess.seconds * resources.gpus
        used = [_format_hours(gpu_hours, "GPU", tongue)] if resources.gpus else []
        # The report has one of them.
        cores = guess.seconds * resources.cpus + (guess.report_seconds or 0.0)
        used.append(_format_hours(cores, Sentence(en="core", ko="코어").say(tongue), tongue))
        both = Sentence(en=" and ", ko=", ").say(tongue).join(used)
        return f"{UNKNOWN.say(tongue)}: {both}"
    about = format_cost(guess.cost, guess.currency)
    whole, bounds = guess.whole_seconds, guess.whole_range
    if bounds is None or not whole:
        return about
    bounds = (guess.cost * bounds[0] / whole, guess.cost * bounds[1] / whole)
    low, high = (format_cost(one, guess.currency) for one in bounds)
    low = low.removesuffix(f" {guess.currency}")
    return about if high.startswith(low) else f"{about} ({join_ends(low, high, tongue)})"


def _format_hours(seconds: float, of: str, tongue: Tongue) -> str:
    hours = seconds / 3600
    amount = "< 0.01" if hours < 0.01 else f"{hours:,.2f}"
    return f"{of} {amount}시간" if tongue == "ko" else f"{amount} {of} hours"


def format_value(value: object) -> str:
    """A value as it would stand in a spec; `none` where nothing does."""
    match value:
        case None:
            return NOTHING
        case bool():
            return "true" if value else "false"
        case Mapping():
            return (
                ", ".join(f"{key}: {format_value(item)}" for key, item in value.items()) or NOTHING
            )
        case list() | tuple():
            return f"[{', '.join(format_value(item) for item in value)}]" if value else NOTHING
        # `:g` alone keeps six digits, and would show a value that is not the plan's.
        case float():
            return f"{value:g}" if float(f"{value:g}") == value else str(value)
        case _:
            return str(value)


def format_names(names: tuple[str, ...], most: int = 10) -> str:
    """Names in a row, the first few of many."""
    shown = ", ".join(names[:most])
    if len(names) <= most:
        return shown or NOTHING
    return f"{shown}, … ({len(names)} in all)"


def shorten_value(value: object) -> str:
    """A value that is told as a change: long lists and hashes by their beginning."""
    if isinstance(value, list | tuple):
        return format_names(tuple(format_value(item) for item in value), most=6)
    text = format_value(value)
    return shorten_hash(text)


def shorten_hash(text: str) -> str:
    """A hash by its beginning, which tells a reader as much as the whole; the kind stays."""
    kind, colon, digits = text.partition(":")
    if kind not in ("md5", "sha256") or len(digits) < 32:
        return text
    return f"{kind}{colon}{digits[:16]}…{'.dir' if text.endswith('.dir') else ''}"
