"""Ultralytics' detectors pass the suite that any adapter must pass."""

import pytest

from detector_jobs import write_shapes
from toy_runs import ADAPTERS
from vtspec.adapters import ultralytics
from vtspec.adapters.conformance import CHECKS, Check, Subject
from yolo_jobs import a_yolo_plan

pytestmark = pytest.mark.framework


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    plan = a_yolo_plan(
        model="yolo26n",
        training={
            "epochs": 4,
            "augmentation": "standard",
            "learningRate": 0.005,
            "gradientClipping": 10.0,
        },
        # Images are mixed in all epochs but the last.
        params={"closeMosaic": 1},
        export={"formats": ["safetensors", "onnx"]},
    )
    return Subject(
        module=ultralytics,
        plan=plan,
        data_root=write_shapes(tmp_path_factory.mktemp("shapes")),
        folder=tmp_path_factory.mktemp("ultralytics"),
        environment={"PYTHONPATH": str(ADAPTERS)},
        # Probabilities that could spare a whole batch are tried as certainties.
        other_values={
            **dict.fromkeys(("mosaic", "mixup", "cutmix", "hflip", "vflip", "bgr"), 1.0),
            **dict.fromkeys(("hsvHue", "hsvSaturation", "hsvValue"), 0.9),
            "mosaic": 0.0,
            "degrees": 90.0,
            "shear": 30.0,
            "translate": 0.3,
            "scale": 0.9,
            "perspective": 0.001,
            "nominalBatchSize": 64,
            "confidenceThreshold": 0.9,
            "maxDetections": 3,
        },
    )


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_detectors_conform(check: Check, subject: Subject) -> None:
    check(subject)
