"""Transformers' detectors pass the suite that any adapter must pass."""

import pytest

from detector_jobs import a_detector_plan, write_shapes
from toy_runs import ADAPTERS
from vtspec.adapters import transformers
from vtspec.adapters.conformance import CHECKS, Check, Subject, resuming

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    plan = a_detector_plan(
        training={"epochs": 3, "augmentation": "standard", "learningRate": 0.003},
        export={"formats": ["safetensors", "onnx"]},
    )
    return Subject(
        module=transformers,
        plan=plan,
        data_root=write_shapes(tmp_path_factory.mktemp("shapes")),
        folder=tmp_path_factory.mktemp("transformers"),
        environment={"PYTHONPATH": str(ADAPTERS)},
        # Probabilities that could spare a whole batch are tried as certainties.
        other_values={
            **dict.fromkeys(("hflip", "photometricDistort", "zoomOut", "iouCrop"), 1.0),
            "normalize": "imagenet",
            "queries": 30,
            "denoisingQueries": 0,
            "classLossWeight": 3.0,
            "boxLossWeight": 1.0,
            "giouLossWeight": 1.0,
            "maxDetections": 3,
            "confidenceThreshold": 0.99,
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
def test_detectors_conform(check: Check, subject: Subject) -> None:
    check(subject)
