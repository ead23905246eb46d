"""The sentences that markdown, HTML and terminal share; none holds another's text unescaped."""

from typing import Final

from vtspec.pipelines.formatting import (
    format_against,
    format_epoch,
    format_number,
    format_rate,
    join_ends,
    pluralize,
)
from vtspec.pipelines.language import Sentence, Tongue
from vtspec.pipelines.planning.diff import Effect

from .comparison import MetricRow
from .curves import Series
from .facts import Facts, TrainingProgress
from .seeds import SeedGroup
from .verdict import Gate, VerdictName

MARKS: Final[dict[VerdictName, str]] = {
    "passed": "✅",
    "uncertain": "⚠️",
    "missed": "❌",
    "none": "☑️",
    "failed": "❌",
    "interrupted": "⏸️",
    "unfinished": "⏳",
}
"""The verdict as one sign, for lists of comments."""


EFFECTS: Final[dict[Effect, str]] = {
    "new run": "decides the result",
    "same run": "leaves the result",
    "cosmetic": "cosmetic",
}
"""What a difference between two plans means, in words."""


def format_value(row: MetricRow) -> str:
    """The value with its unit."""
    return _format_with_unit(row.value, row.unit)


def format_baseline(row: MetricRow) -> str:
    """The baseline's value with its unit."""
    return _format_with_unit(row.baseline, row.unit)


def _format_with_unit(value: float | None, unit: str) -> str:
    return f"{format_number(value)} {unit}" if unit and value is not None else format_number(value)


def list_class_columns(facts: Facts) -> list[str]:
    """The columns of the per-class table, at most six, in the order in which they were told."""
    return list(dict.fromkeys(name for row in facts.classes for name in row.values))[:6]


def format_gate_value(gate: Gate, tongue: Tongue = "en") -> str:
    """The value that the gate was held against, to as many digits as the decision needs."""
    if gate.value is None:
        return Sentence(en="not measured", ko="측정되지 않음").say(tongue)
    return format_against(gate.value, gate.threshold)


def format_gate_outcome(gate: Gate, tongue: Tongue = "en") -> str:
    """`passed` or `missed`, with the distance to the threshold where it was missed, and with the
    interval of a value that may have passed by chance."""
    if gate.passed and gate.interval is not None and not gate.is_certain:
        low, high = (format_against(end, gate.threshold) for end in gate.interval)
        ends = join_ends(low, high, tongue)
        return Sentence(
            en=f"passed, not certain: the 95 % interval is {ends}",
            ko=f"통과했지만 불확실: 95% 신뢰구간 {ends}",
        ).say(tongue)
    if gate.passed:
        return Sentence(en="passed", ko="통과").say(tongue)
    if gate.value is None:
        return Sentence(en="missed", ko="미통과").say(tongue)
    by = format_number(abs(gate.value - gate.threshold))
    return Sentence(en=f"missed by {by}", ko=f"미통과 ({by} 차이)").say(tongue)


def describe_training(training: TrainingProgress, tongue: Tongue = "en") -> str:
    """How far training came, as a sentence; "" where it did not start."""
    if training.epochs is None:
        return ""
    if tongue == "ko":
        return _describe_training_in_korean(training, training.epochs)
    wanted = "" if training.wanted is None else f" of {training.wanted}"
    count = training.epochs if training.wanted is None else training.wanted
    epochs = f"{format_epoch(training.epochs)}{wanted} epoch{'s' * (count != 1)}"
    is_cut = training.wanted is not None and training.epochs < training.wanted
    done = f"Stopped after {epochs}" if is_cut and training.is_over else f"Trained {epochs}"
    done += "" if training.is_over else " so far"
    return (
        done
        if training.best_epoch is None
        else f"{done}; best at {format_epoch(training.best_epoch)}"
    )


def _describe_training_in_korean(training: TrainingProgress, epochs: float) -> str:
    wanted, best, done = training.wanted, training.best_epoch, f"{format_epoch(epochs)}에포크"
    of = "" if wanted is None else f"{wanted}에포크 중 "
    if not training.is_over:
        told = f"지금까지 {of}{done}를 학습했습니다"
    elif wanted is not None and epochs < wanted:
        told = f"{of}{done}까지 학습하고 멈췄습니다"
    else:
        told = f"{done}를 모두 학습했습니다" if epochs == wanted else f"{done}를 학습했습니다"
    return told if best is None else f"{told}. 가장 좋은 에포크는 {format_epoch(best)}입니다"


def format_point(name: str, value: float | None) -> str:
    """A value of a learning curve."""
    return format_rate(value) if name == "lr" else format_number(value)


def describe_trend(series: Series) -> str:
    """What a line does, for those who do not see it: `falls from 1.20 to 0.08`."""
    if not series.points:
        return "was not measured"
    if len(series.points) == 1:
        return f"is {format_number(series.last)}"
    if series.last == series.first:
        return f"starts and ends at {format_number(series.first)}"
    verb = "rises" if series.last > series.first else "falls"
    return f"{verb} from {format_number(series.first)} to {format_number(series.last)}"


def describe_interval(facts: Facts, tongue: Tongue = "en") -> str:
    """The interval of the main share, so that nobody takes the fourth digit for knowledge."""
    row, images = facts.find_metric(facts.main), facts.results.images
    if row is None or row.interval is None or not images:
        return ""
    low, high = row.interval
    ends = join_ends(f"{low:.4f}", f"{high:.4f}", tongue)
    return Sentence(
        en=f"The 95 % interval of {row.name} on so many images is {ends}.",
        ko=f"이 이미지 수로 구한 {row.name}의 95% 신뢰구간은 {ends}입니다.",
    ).say(tongue)


def name_figures(facts: Facts, tongue: Tongue = "en") -> str:
    """Whose figures a column has: this run's, or the mean of its seeds."""
    if facts.is_over_seeds:
        return _name_means(facts.seeds).say(tongue)
    return Sentence(en="This run", ko="이번 실행").say(tongue)


def name_baseline_figures(facts: Facts, tongue: Tongue = "en") -> str:
    """The same of the baseline."""
    if facts.is_baseline_over_seeds:
        means = _name_means(facts.baseline_seeds)
        told = Sentence(en=f"Baseline, {means.en.lower()}", ko=f"베이스라인, {means.ko}")
        return told.say(tongue)
    return Sentence(en="Baseline", ko="베이스라인").say(tongue)


def _name_means(seeds: SeedGroup) -> Sentence:
    count = len(seeds.finished)
    return Sentence(en=f"Mean of {pluralize(count, 'seed')}", ko=f"시드 {count}개 평균")


def describe_split(facts: Facts, tongue: Tongue = "en") -> str:
    """Which split the figures are of."""
    # A split of another name is someone else's word, and this sentence quotes nobody.
    split, images = facts.results.split, facts.results.images
    if split not in _SPLITS:
        return ""
    english = "" if images is None else f" ({pluralize(images, 'image')})"
    korean = "" if images is None else f" (이미지 {images:,}장)"
    return Sentence(
        en=f"Measured on {split}{english}.", ko=f"{split}에서 측정했습니다{korean}."
    ).say(tongue)


_SPLITS: Final = frozenset({"train", "val", "test"})


def describe_dropped(count: int, tongue: Tongue = "en") -> str:
    """How many values of the curves were no numbers; "" where all were."""
    if not count:
        return ""
    return Sentence(
        en=f"{count:,} value{'s were' if count > 1 else ' was'} not finite and left out.",
        ko=f"유한하지 않은 값 {count:,}개를 뺐습니다.",
    ).say(tongue)
