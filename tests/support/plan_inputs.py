"""Specs and inputs to plan from: built by hand, and drawn at random by Hypothesis."""

import copy
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from vtspec.adapters.contract import Param
from vtspec.pipelines.estimation.estimate import Machine, Timing
from vtspec.pipelines.planning.plan import ModelFacts, PlanInputs
from vtspec.pipelines.planning.plan_model import PlannedFramework
from vtspec.pipelines.weights.model import HubWeights
from vtspec.schema.kinds.dataset import Dataset
from vtspec.schema.kinds.experiment import Experiment

PARAMS = {
    "drop_rate": Param(type="float", default=0.0, help="Dropout.", minimum=0, maximum=1),
    "head_depth": Param(type="int", default=1, help="Layers of the head.", minimum=1),
    "crop": Param(type="str", default="center", help="Crop.", choices=("center", "border")),
}

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For laws: what decides is whether they hold, not how busy the machine is."""

REVISION = "0123456789abcdef0123456789abcdef01234567"


def an_experiment_dict(**spec: Any) -> dict[str, Any]:
    """A small experiment as a person writes it, with fields of `spec` replaced."""
    inner: dict[str, Any] = {
        "task": "image-classification",
        "framework": "timm",
        "model": {"name": "resnet18"},
        "dataset": {"ref": "digits"},
        "training": {"epochs": 5, "batchSize": 64},
        "resources": {"gpus": 0, "cpus": 2, "memory": "4Gi", "maxDuration": "30m"},
    }
    return {
        "apiVersion": "vtspec.dev/v1alpha1",
        "kind": "Experiment",
        "metadata": {"name": "digits-resnet18"},
        "spec": {**inner, **copy.deepcopy(spec)},
    }


def an_experiment(**spec: Any) -> Experiment:
    return Experiment.model_validate(an_experiment_dict(**spec))


def a_dataset(**spec: Any) -> Dataset:
    inner: dict[str, Any] = {
        "tasks": ["image-classification"],
        "format": "imagefolder",
        "source": {"dvc": {"path": "data/digits"}},
        "classes": [str(digit) for digit in range(10)],
        "splits": {
            "train": {"path": "train"},
            "val": {"path": "val"},
            "test": {"path": "test"},
        },
        "statistics": {
            "images": 1797,
            "splits": {
                "train": {"images": 1077, "perClass": {"0": 107, "1": 109}},
                "val": {"images": 360},
                "test": {"images": 360},
            },
        },
    }
    return Dataset.model_validate(
        {
            "apiVersion": "vtspec.dev/v1alpha1",
            "kind": "Dataset",
            "metadata": {"name": "digits"},
            "spec": {**inner, **copy.deepcopy(spec)},
        }
    )


def some_inputs(**changes: Any) -> PlanInputs:
    known: dict[str, Any] = {
        "spec_path": "specs/experiments/digits-resnet18.yaml",
        "dataset": a_dataset(),
        "dataset_hash": "md5:" + "a" * 32 + ".dir",
        "framework": PlannedFramework(
            name="timm",
            adapter="timm",
            adapter_version="1",
            requirements_hash="sha256:" + "b" * 64,
        ),
        "model": ModelFacts(
            parameters=11_181_642, image_size=(224, 224), gmacs=1.82, kept_millions=5.11
        ),
        "params": PARAMS,
        "weights": None,
        "machine": Machine(gpus=0, cpus=2, cpu_price=0.04),
    }
    return PlanInputs(**{**known, **changes})


WEIGHTS = HubWeights(id="timm/resnet18.a1_in1k", revision=REVISION, licence="apache-2.0")

_LEARNING_RATES = st.floats(1e-4, 10).map(lambda rate: float(f"{rate:.3g}"))

_SIDES = st.integers(1, 1024)

TRAINING = {
    "epochs": st.integers(4, 10000),
    "batchSize": st.integers(1, 65536),
    "learningRate": _LEARNING_RATES,
    "imageSize": st.one_of(st.none(), _SIDES, st.tuples(_SIDES, _SIDES).map(list)),
    "seed": st.integers(0, 2**32 - 1),
    "optimizer": st.sampled_from(["adamw", "adam", "nadam", "radam", "sgd", "rmsprop", "lion"]),
    "momentum": st.sampled_from([0, 0.5, 0.9]),
    "weightDecay": st.sampled_from([0, 0.01, 1e-4, 1]),
    "scheduler": st.sampled_from(["cosine", "linear", "step", "polynomial", "plateau"]),
    "minLearningRate": st.sampled_from([0, 1e-6, 1e-5]),
    "warmupEpochs": st.sampled_from([0, 0.5, 1, 3]),
    "gradientAccumulation": st.integers(1, 64),
    "gradientClipping": st.one_of(st.none(), st.sampled_from([0.5, 1, 5])),
    "ema": st.one_of(
        st.none(), st.fixed_dictionaries({}, optional={"decay": st.sampled_from([0.9, 0.999])})
    ),
    "labelSmoothing": st.sampled_from([0, 0.1]),
    "classWeights": st.one_of(st.none(), st.just("balanced"), st.just({"0": 1, "1": 2.5})),
    "augmentation": st.sampled_from(["none", "light", "standard", "strong"]),
    "precision": st.sampled_from(["auto", "fp32", "bf16", "fp16"]),
    "freeze": st.one_of(st.sampled_from(["none", "backbone"]), st.just(["layer1"])),
    "earlyStopping": st.one_of(st.none(), st.just({}), st.just({"patience": 3})),
    "checkpoint": st.sampled_from([{}, {"monitor": "loss"}, {"every": 2}]),
    "workers": st.integers(0, 16),
    "deterministic": st.booleans(),
    "onOutOfMemory": st.sampled_from(["stop", "halve"]),
    "onNan": st.sampled_from(["stop", "rollback"]),
    "onTimeLimit": st.sampled_from(["stop", "shorten"]),
}

RESOURCES = {
    "gpus": st.integers(0, 8),
    "cpus": st.integers(1, 64),
    "memory": st.sampled_from(["512Mi", "8Gi", "1Ti"]),
    "maxDuration": st.sampled_from(["90s", "30m", "12h", "2d"]),
}


# Made once: a strategy that is made anew for each example costs as much as what it draws.
_SPECS = st.fixed_dictionaries(
    {
        "training": st.fixed_dictionaries(
            {"epochs": TRAINING["epochs"]},
            optional={key: value for key, value in TRAINING.items() if key != "epochs"},
        ),
        "resources": st.fixed_dictionaries({}, optional=RESOURCES),
        "params": st.fixed_dictionaries(
            {},
            optional={
                "drop_rate": st.sampled_from([0, 0.1, 0.5]),
                "head_depth": st.sampled_from([1, 2, 2.0]),
            },
        ),
        "dataset": st.sampled_from([{"ref": "digits"}, {"ref": "digits", "classes": ["1", "0"]}]),
        "report": st.sampled_from([{}, {"gates": ["accuracy>=0.95"]}, {"baseline": "old"}]),
        "export": st.sampled_from([{}, {"formats": ["onnx"]}]),
    }
)


def experiments() -> st.SearchStrategy[dict[str, Any]]:
    """Valid experiments as plain data."""
    return _EXPERIMENTS


_EXPERIMENTS = _SPECS.map(lambda spec: an_experiment_dict(**spec))


_COUNTS = st.one_of(st.none(), st.integers(0, 10**12))

_POSITIVE = st.one_of(st.none(), st.floats(1e-3, 1e6))


_MACHINES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "gpu_type": st.sampled_from([None, "t4"]),
        "tflops": _POSITIVE,
        "gpu_price": _POSITIVE,
        "cpu_gflops": st.floats(1e-3, 1e6),
        "cpu_price": _POSITIVE,
    }
)

_TIMINGS = st.none() | st.fixed_dictionaries(
    {
        "images": st.integers(0, 10**6),
        "epochs": st.integers(0, 100),
        "epoch_seconds": st.floats(0, 1e6),
        "other_seconds": st.floats(0, 1e6),
    }
)

_MODELS = st.builds(
    ModelFacts,
    parameters=_COUNTS,
    image_size=st.tuples(_SIDES, _SIDES),
    gmacs=_POSITIVE,
    kept_millions=_POSITIVE,
)

_INPUTS = st.fixed_dictionaries(
    {
        "model": _MODELS,
        "dataset": st.sampled_from([a_dataset(), a_dataset(statistics=None)]),
        "weights": st.sampled_from([None, WEIGHTS]),
        "licence_is_clear": st.booleans(),
        "params": st.sampled_from([None, PARAMS]),
        "has_bf16": st.one_of(st.none(), st.booleans()),
    }
)


@st.composite
def inputs_of(draw: st.DrawFn, raw: dict[str, Any]) -> PlanInputs:
    """Inputs that go with the resources of an experiment."""
    resources = raw["spec"]["resources"]
    machine = Machine(
        gpus=resources.get("gpus", 0), cpus=resources.get("cpus", 2), **draw(_MACHINES)
    )
    timing = draw(_TIMINGS)
    timings = () if timing is None else (_make_timing(machine, timing),)
    return some_inputs(machine=machine, timings=timings, **draw(_INPUTS))


def _make_timing(machine: Machine, measured: dict[str, Any]) -> Timing:
    return Timing(
        run="digits-resnet18-0123456789",
        model="resnet18",
        image_size=(224, 224),
        precision="fp32",
        gpus=machine.gpus,
        gpu_type=machine.gpu_type,
        cpus=machine.cpus,
        **measured,
    )
