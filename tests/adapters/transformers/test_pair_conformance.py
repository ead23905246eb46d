"""What learns from pairs of images passes the suite that any adapter must pass."""

import pytest

from pair_jobs import DEPTH, ENLARGE, a_pair_plan, write_depths, write_enlargements
from toy_runs import ADAPTERS
from vtspec.adapters import transformers
from vtspec.adapters.conformance import CHECKS, Check, Subject, interface, resuming

pytestmark = pytest.mark.slow

TASKS = {
    ENLARGE: (
        write_enlargements,
        # Probabilities that could spare a whole batch are tried as certainties, or as none.
        {
            **dict.fromkeys(("hflip", "quarterTurn", "channelShuffle"), 1.0),
            "vflip": 0.0,
            "normalize": "imagenet",
            "scale": 4,
            "metricBorder": 0,
            "tile": 8,
        },
    ),
    DEPTH: (
        write_depths,
        {
            **dict.fromkeys(("hflip", "photometricDistort", "cutDepth"), 1.0),
            "normalize": "imagenet",
            "depthScale": 500.0,
            "maxDepth": 5,
        },
    ),
}

AS_DETECTORS: tuple[Check, ...] = (
    interface.it_imports_without_its_framework,
    resuming.it_leaves_a_checkpoint_on_sigterm,
    resuming.it_survives_kill_9,
)
"""Dear, and of what the detectors share with these."""


@pytest.fixture(scope="module", params=TASKS)
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    task: str = request.param
    write, other_values = TASKS[task]
    plan = a_pair_plan(
        task,
        training={"epochs": 3, "augmentation": "standard", "learningRate": 0.003},
        # ONNX is dear, and has a test of its own.
        export={"formats": ["safetensors"]},
    )
    return Subject(
        module=transformers,
        plan=plan,
        data_root=write(tmp_path_factory.mktemp("data")),
        folder=tmp_path_factory.mktemp("runs"),
        environment={"PYTHONPATH": str(ADAPTERS)},
        other_values=other_values,
    )


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(
            check,
            id=check.__name__,
            marks=[pytest.mark.exhaustive] if check in AS_DETECTORS else [],
        )
        for check in CHECKS
    ],
)
def test_pairs_conform(check: Check, subject: Subject) -> None:
    check(subject)
