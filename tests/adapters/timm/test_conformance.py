"""timm passes the suite that any adapter must pass."""

import pytest

from timm_jobs import a_timm_plan, write_digits
from toy_runs import ADAPTERS
from vtspec.adapters.conformance import CHECKS, Check, Subject, resuming
from vtspec.adapters.timm import adapter as timm

pytestmark = pytest.mark.slow


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
        # Probabilities that could spare a whole batch are tried as certainties.
        other_values={
            "globalPool": "catavgmax",
            "autoAugment": "rand-m9-n2",
            "cropMode": "squash",
            **dict.fromkeys(("hflip", "vflip", "reProb"), 1.0),
        },
    )


DEAR: tuple[Check, ...] = (resuming.it_survives_kill_9,)
"""The toy adapter is killed alike, and this one is sent SIGTERM."""


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(
            check, id=check.__name__, marks=[pytest.mark.exhaustive] if check in DEAR else []
        )
        for check in CHECKS
    ],
)
def test_timm_conforms(check: Check, subject: Subject) -> None:
    check(subject)
