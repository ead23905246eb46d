"""timm passes the suite that any adapter must pass, with one label for each image and several."""

from typing import Any

import pytest

from timm_jobs import a_timm_plan, on_pairs, write_digits, write_pairs
from toy_runs import ADAPTERS
from vtspec.adapters.conformance import CHECKS, Check, Subject, interface, resuming, training
from vtspec.adapters.timm import adapter as timm

pytestmark = pytest.mark.slow


OTHER_VALUES = {
    "globalPool": "catavgmax",
    "autoAugment": "rand-m9-n2",
    "cropMode": "squash",
    # Probabilities that could spare a whole batch are tried as certainties.
    **dict.fromkeys(("hflip", "vflip", "reProb"), 1.0),
}


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    plan = a_timm_plan(
        training={"epochs": 3, "batchSize": 20, "learningRate": 0.01, "augmentation": "light"},
        params={"hflip": 0.0},
        export={"formats": ["safetensors", "onnx"]},
    )
    return Subject(
        module=timm,
        plan=plan,
        data_root=write_digits(tmp_path_factory.mktemp("digits"), width=12),
        folder=tmp_path_factory.mktemp("timm"),
        environment={"PYTHONPATH": str(ADAPTERS)},
        other_values=OTHER_VALUES,
    )


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    changes = on_pairs(
        {
            "epochs": 3,
            "batchSize": 10,
            "gradientAccumulation": 2,
            "learningRate": 0.01,
            "labelSmoothing": 0.1,
            "classWeights": "balanced",
            "augmentation": "light",
        }
    )
    plan = a_timm_plan(
        **changes, params={"hflip": 0.0}, export={"formats": ["safetensors", "onnx"]}
    )
    return Subject(
        module=timm,
        plan=plan,
        data_root=write_pairs(tmp_path_factory.mktemp("pairs")),
        folder=tmp_path_factory.mktemp("timm"),
        environment={"PYTHONPATH": str(ADAPTERS)},
        other_values=OTHER_VALUES,
    )


DEAR: tuple[Check, ...] = (resuming.it_survives_kill_9,)
"""The toy adapter is killed alike, and this one is sent SIGTERM."""


SAME: tuple[Check, ...] = (
    *DEAR,
    resuming.it_leaves_a_checkpoint_on_sigterm,
    training.every_param_changes_something,
    interface.it_imports_without_its_framework,
)
"""What labels have no part in, or only where a param is of one task alone."""


def mark(dear: tuple[Check, ...]) -> list[Any]:
    """Every check by its name, those that are `dear` as such."""
    return [
        pytest.param(
            check, id=check.__name__, marks=[pytest.mark.exhaustive] if check in dear else []
        )
        for check in CHECKS
    ]


@pytest.mark.parametrize("check", mark(DEAR))
def test_timm_conforms(check: Check, subject: Subject) -> None:
    check(subject)


@pytest.mark.parametrize("check", mark(SAME))
def test_timm_conforms_with_several_labels(check: Check, several: Subject) -> None:
    check(several)
