"""What a person should know before a plan is carried out, though nothing forbids it. Pure.

What one can say without a plan, such as of GPU memory and batches, is in `check`, and `validate`
says it too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vtspec.pipelines.catalog.models import UNKNOWN_LICENCE, is_permissive
from vtspec.pipelines.estimation.estimate import Estimate
from vtspec.pipelines.formatting import format_duration, format_size
from vtspec.pipelines.weights.model import (
    HUB,
    Configuration,
    HubWeights,
    RunWeights,
    UnpinnedWeights,
    Weights,
)
from vtspec.schema.kinds.dataset import Dataset
from vtspec.schema.kinds.experiment import Experiment
from vtspec.schema.kinds.patterns import parse_duration, parse_memory

if TYPE_CHECKING:
    from .plan_model import PlannedFramework


@dataclass(frozen=True, kw_only=True)
class WarningInputs:
    """What the warnings of a plan are made from; the fields are those of `plan.Inputs`."""

    spec: Experiment
    framework: "PlannedFramework"
    dataset: Dataset
    weights: Weights | None
    configuration: Configuration | None
    licence_is_clear: bool
    estimate: Estimate
    has_test: bool


def collect_warnings(doubts: WarningInputs) -> tuple[str, ...]:
    """The warnings, the gravest first; each is one sentence, with what to do where one can."""
    return (
        *_check_pins(doubts),
        *_check_time(doubts),
        *_check_memory(doubts),
        *_check_precision(doubts),
        *_check_test_split(doubts),
        *_check_licences(doubts),
    )


def _check_pins(doubts: WarningInputs) -> Iterator[str]:
    for what, part in (("weights", doubts.weights), ("configuration", doubts.configuration)):
        # Of a plain download, which nothing can ever pin, `validate` warns.
        if isinstance(part, UnpinnedWeights) and part.source.startswith(HUB):
            yield (
                f"the {what} {part.source} {'are' if what == 'weights' else 'is'} not pinned: "
                "this plan can be read, and can be neither approved nor run; plan again when the "
                "hub answers"
            )


def _check_time(doubts: WarningInputs) -> Iterator[str]:
    limit, seconds = doubts.spec.spec.resources.max_duration, doubts.estimate.whole_seconds
    if seconds is not None and seconds > parse_duration(limit):
        yield (
            f"it is thought to take {format_duration(seconds, 'rough')}, more than "
            f"resources.maxDuration allows ({limit})"
        )


# A guess is no ground to refuse a plan, so that these only warn.
def _check_memory(doubts: WarningInputs) -> Iterator[str]:
    resources, guess = doubts.spec.spec.resources, doubts.estimate
    if guess.memory_bytes is not None and guess.memory_bytes > parse_memory(resources.memory):
        yield (
            f"it is thought to need {format_size(guess.memory_bytes, 'rough')} of main memory, "
            f"more than resources.memory gives ({resources.memory})"
        )


def _check_precision(doubts: WarningInputs) -> Iterator[str]:
    resources, precision = doubts.spec.spec.resources, doubts.spec.spec.training.precision
    if resources.gpus and resources.gpu_type is None and precision == "auto":
        yield (
            "no GPU type is named: training.precision is bf16, which GPUs before Ampere (T4, "
            "V100) only emulate; name one with resources.gpuType, or set the precision"
        )


def _check_test_split(doubts: WarningInputs) -> Iterator[str]:
    if not doubts.has_test:
        yield (
            "the dataset has no test split: the final figures are those of val, on which the "
            "best epoch was chosen, and flatter the model"
        )


def _check_licences(doubts: WarningInputs) -> Iterator[str]:
    weights, framework = doubts.weights, doubts.framework
    if not doubts.licence_is_clear and isinstance(weights, _LICENSED):
        if weights.licence in (None, UNKNOWN_LICENCE):
            what = "have no known licence"
        elif isinstance(weights, RunWeights):
            what = f"were made from what is under {weights.licence}"
        else:
            what = f"are under {weights.licence}"
        yield _doubt_licence(f"the weights {_name_weights(weights)} {what}")
    licence = doubts.dataset.spec.license
    # In-house data has none as a rule, which a plan shows and does not warn of.
    if licence is not None and not is_permissive(licence):
        yield _doubt_licence(f"the data {doubts.dataset.metadata.name} are under {licence}")
    # Random weights too: what is trained with it may fall under it.
    if framework.licence is not None and not is_permissive(framework.licence):
        yield _doubt_licence(f"the framework {framework.name} is under {framework.licence}")


_LICENSED: Final = (HubWeights, UnpinnedWeights, RunWeights)


def _name_weights(weights: HubWeights | UnpinnedWeights | RunWeights) -> str:
    match weights:
        case HubWeights(id=name) | RunWeights(run=name) | UnpinnedWeights(source=name):
            return name


def _doubt_licence(what: str) -> str:
    return f"{what}, which is not clearly permissive: see that your use is allowed"
