"""What values the fields of an Experiment may have, and how a number becomes one."""

import math
from dataclasses import dataclass
from typing import Final

from vtspec.schema.json_schema.fast_check import find_property

from .numbers import Value, normalize_number


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`; `open_low` and `open_high` leave the ends out."""

    whole: bool
    low: float
    high: float
    open_low: bool = False
    open_high: bool = False
    default: Value | None = None

    def contains(self, value: Value) -> bool:
        """Whether the value is in the range, and whole where it must be."""
        if isinstance(value, float) and (
            value != value or (self.whole and not value.is_integer())
        ):
            return False
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below


def _read_range(path: str) -> Range:
    node = find_property("Experiment", f"spec.{path}")
    # A field without a default of its own says by its example what is usual.
    usual = [node.get("default"), *node.get("examples", ())]
    return Range(
        whole=node["type"] == "integer",
        low=node.get("minimum", node.get("exclusiveMinimum", -math.inf)),
        high=node.get("maximum", node.get("exclusiveMaximum", math.inf)),
        open_low="minimum" not in node,
        open_high="maximum" not in node,
        default=next((one for one in usual if isinstance(one, int | float)), None),
    )


_MEASURED: Final = (
    "training.epochs",
    "training.batchSize",
    "training.learningRate",
    "training.imageSize",
    "training.seed",
    "training.momentum",
    "training.weightDecay",
    "training.minLearningRate",
    "training.warmupEpochs",
    "training.gradientAccumulation",
    "training.gradientClipping",
    "training.ema.decay",
    "training.labelSmoothing",
    "training.earlyStopping.patience",
    "training.earlyStopping.minDelta",
    "training.checkpoint.every",
    "training.workers",
    "resources.gpus",
    "resources.cpus",
    "report.seeds",
)

# The last is timm's own, of which the schema of the kinds does not know.
NUMBERS: Final[dict[str, Range]] = {path: _read_range(path) for path in _MEASURED} | {
    "params.hflip": Range(False, 0, 1, default=0.5)
}
"""Every field whose value is a number, below `spec`."""

EPOCHS_MEASURED: Final = frozenset(
    {"training.warmupEpochs", "training.earlyStopping.patience", "training.checkpoint.every"}
)
"""Fields that are counted in epochs themselves."""

SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
MEBI: Final = {"mi": 1, "gi": 1024, "ti": 1024 * 1024}
"""Units of memory, in MiB."""

DEFAULTS: Final = {
    path: str(find_property("Experiment", f"spec.{path}")["default"])
    for path in ("resources.memory", "resources.maxDuration")
}
"""The defaults of fields that are quantities with a unit."""

CHOICES_OF_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    f"training.{name}": tuple(find_property("Experiment", f"spec.training.{name}")["enum"])
    for name in ("optimizer", "scheduler", "augmentation", "precision", "freeze")
}
"""The values of fields that have few."""


def format_memory(value: Value, unit: str) -> str | None:
    """Bytes as a spec writes them, or None where there is no such size: 1.5 GB are 1536Mi."""
    mebi = value * MEBI[unit]
    if not 1 <= mebi < 10**12:
        return None
    # The unit that was said, and a smaller one only for parts of it.
    for name in (unit, "gi", "mi"):
        count, rest = divmod(mebi, MEBI[name])
        if not rest and count <= 999_999:
            return f"{int(count)}{name.title()}"
    return None


def format_duration(value: Value, unit: str) -> str | None:
    """A length of time as a spec writes it, or None where there is none: 1.5 h are 90m."""
    seconds = normalize_number(value * SECONDS[unit])
    if seconds != seconds or not 1 <= seconds < 10**9 or seconds != int(seconds):
        return None
    if float(value).is_integer() and value <= 999_999 and not (unit == "s" and value % 60 == 0):
        return f"{int(value)}{unit}"
    for name in ("h", "m", "s"):
        if seconds % SECONDS[name] == 0 and seconds // SECONDS[name] <= 999_999:
            return f"{int(seconds // SECONDS[name])}{name}"
    return None


def cast_number(path: str, value: Value) -> Value:
    """The number as the field has it: whole fields as int, the others as float."""
    return int(value) if NUMBERS[path].whole else float(value)
