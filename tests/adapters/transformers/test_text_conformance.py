"""What answers with texts passes the suite that any adapter must pass."""

import pytest

from text_jobs import CAPTION, READ, a_text_plan, write_captions, write_lines
from toy_runs import ADAPTERS
from vtspec.adapters import transformers
from vtspec.adapters.conformance import CHECKS, Check, Subject, interface, resuming

pytestmark = pytest.mark.slow

TASKS = {
    READ: (
        write_lines,
        # Probabilities that could spare a whole batch are tried as certainties.
        {
            **dict.fromkeys(("affine", "photometricDistort", "blur"), 1.0),
            "normalize": "imagenet",
        },
    ),
    CAPTION: (
        write_captions,
        {"photometricDistort": 1.0, "cropMin": 0.3, "normalize": "imagenet"},
    ),
}

AS_DETECTORS: tuple[Check, ...] = (
    interface.it_imports_without_its_framework,
    resuming.it_leaves_a_checkpoint_on_sigterm,
    resuming.it_survives_kill_9,
)
"""Dear, and of what the detectors share with these."""


# Captions differ from lines that are read by little but their augmentation and metrics.
@pytest.fixture(scope="module", params=[READ, pytest.param(CAPTION, marks=pytest.mark.exhaustive)])
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    task: str = request.param
    write, other_values = TASKS[task]
    plan = a_text_plan(
        task,
        training={"epochs": 3, "augmentation": "standard"},
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
        companions={"lengthPenalty": {"numBeams": 2}},
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
def test_texts_conform(check: Check, subject: Subject) -> None:
    check(subject)
