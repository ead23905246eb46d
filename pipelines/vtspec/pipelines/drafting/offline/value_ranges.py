"""What values the fields of an Experiment may have, and how a number becomes one. Pure."""

from dataclasses import dataclass
from typing import Final

from vtspec.schema.kinds.rules import LEARNING_RATE

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


NUMBERS: Final[dict[str, Range]] = {
    "training.epochs": Range(True, 1, 10000, default=50),
    "training.batchSize": Range(True, 1, 65536, default=32),
    "training.learningRate": Range(False, 0, 100, open_low=True, default=LEARNING_RATE),
    "training.imageSize": Range(True, 1, 8192, default=224),
    "training.seed": Range(True, 0, 2**32 - 1, default=42),
    "training.momentum": Range(False, 0, 1, open_high=True, default=0.9),
    "training.weightDecay": Range(False, 0, 10, default=0.01),
    "training.minLearningRate": Range(False, 0, 100, default=0),
    "training.warmupEpochs": Range(False, 0, 10000, default=0),
    "training.gradientAccumulation": Range(True, 1, 65536, default=1),
    "training.gradientClipping": Range(False, 0, 1e6, open_low=True),
    "training.ema.decay": Range(False, 0, 1, open_low=True, open_high=True, default=0.9998),
    "training.labelSmoothing": Range(False, 0, 1, open_high=True, default=0),
    "training.earlyStopping.patience": Range(True, 1, 10000, default=10),
    "training.earlyStopping.minDelta": Range(False, 0, float("inf"), open_high=True, default=0),
    "training.checkpoint.every": Range(True, 1, 10000),
    "training.workers": Range(True, 0, 256, default=2),
    "resources.gpus": Range(True, 0, 1024, default=0),
    "resources.cpus": Range(True, 1, 1024, default=2),
    "params.hflip": Range(False, 0, 1, default=0.5),
}
"""Every field whose value is a number, below `spec`."""

EPOCHS_MEASURED: Final = frozenset(
    {"training.warmupEpochs", "training.earlyStopping.patience", "training.checkpoint.every"}
)
"""Fields that are counted in epochs themselves."""

SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
MEBI: Final = {"mi": 1, "gi": 1024, "ti": 1024 * 1024}
"""Units of memory, in MiB."""

DEFAULTS: Final = {"resources.memory": "8Gi", "resources.maxDuration": "1d"}
"""The defaults of fields that are quantities with a unit."""

CHOICES_OF_FIELDS: Final = {
    "training.optimizer": ("adamw", "adam", "nadam", "radam", "sgd", "rmsprop", "lamb", "lion"),
    "training.scheduler": ("cosine", "linear", "step", "polynomial", "plateau", "constant"),
    "training.augmentation": ("none", "light", "standard", "strong"),
    "training.precision": ("auto", "fp32", "bf16", "fp16"),
    "training.freeze": ("none", "backbone"),
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
