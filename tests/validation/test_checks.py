"""What only the world tells of a spec: references, catalogs, settings, gates, memory, names."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from builders import ABSENT, a_dataset, a_project, an_experiment, yaml_of
from memory_tree import TOP, a_repository_in_memory
from vtspec.adapters.contract import Param, TaskType
from vtspec.adapters.discovery import load_adapter
from vtspec.adapters.metrics import METRICS
from vtspec.pipelines.catalog import CatalogModel, Framework, Weights, load_frameworks
from vtspec.pipelines.project.repository import Repository, find_repository
from vtspec.pipelines.validation import Catalogs, check_specs
from vtspec.pipelines.validation.catalogs import FindParams, find_params
from vtspec.schema.kinds.tasks import TASKS
from vtspec.schema.load import LoadedSpec, load, load_file


class Catalog(Framework):
    """A framework whose models are given instead of read."""

    def __init__(self, name: str, models: Mapping[str, CatalogModel], **fields: Any) -> None:
        told = {
            "adapter": name,
            "adapter_version": "1",
            "tasks": ("image-classification",),
            "formats": ("imagefolder",),
            "extra": None,
            "python": "3.12",
            "licence": "MIT",
            "distributions": (),
            "digest": None,
            "folder": Path("/nowhere"),
        }
        super().__init__(name=name, **(told | fields))
        object.__setattr__(self, "models", models)

    def model(self, name: str) -> CatalogModel | None:
        found: CatalogModel | None = self.__dict__["models"].get(name)
        return found

    def suggest(self, name: str) -> str | None:
        return next((each for each in self.__dict__["models"] if each[:4] == name[:4]), None)

    def find_near_name(self, name: str) -> str | None:
        models: Mapping[str, CatalogModel] = self.__dict__["models"]
        near = (each for each in models if each[:4] == name[:4])
        return next((each for each in near if models[each].listed), None)


def a_model(name: str = "resnet18", **changes: Any) -> CatalogModel:
    fields: dict[str, Any] = {
        "name": name,
        "tag": None,
        "tasks": ("image-classification",),
        "parameters": 11_000_000,
        "parameters_per_class": 500,
        "image_size": (224, 224),
        "size_step": 1,
        "size_at_build": False,
        "min_image_size": (1, 1),
        "gmacs": 1.8,
        "activations": 5.0,
        "weights": (),
    }
    return CatalogModel(**(fields | changes))


PARAMS = {
    "dropRate": Param(type="float", default=None, minimum=0.0, maximum=0.9, help="Dropout."),
    "mode": Param(type="str", default="a", choices=("a", "b"), help="Mode."),
    "boxes": Param(type="int", default=1, help="Boxes.", tasks=(TaskType.OBJECT_DETECTION,)),
}


@dataclass(frozen=True, kw_only=True)
class World:
    """A repository, and the catalogs that its specs are checked against."""

    repository: Repository
    catalogs: Catalogs


def a_world(
    dataset: dict[str, Any] | None = None,
    frameworks: Mapping[str, Framework] | None = None,
    params_of: FindParams | None = None,
) -> World:
    models = {
        "resnet18": a_model(),
        "vit": a_model("vit", size_step=None),
        "features": a_model("features", tasks=()),
        "shared": a_model("shared"),
        "giant": a_model("giant", parameters=2_000_000_000),
    }
    files = {
        "vtspec.yaml": yaml_of(a_project()),
        "specs/datasets/digits.yaml": yaml_of(dataset or a_dataset()),
        "specs/experiments/old.yaml": yaml_of(
            an_experiment(**{"metadata.name": "digits-resnet10t"})
        ),
    }
    catalogs = Catalogs(
        frameworks
        or {
            "timm": Catalog("timm", models),
            "toy": Catalog("toy", {"shared": a_model("shared"), "only_toy": a_model("only_toy")}),
        },
        params_of or (lambda framework: PARAMS if framework.name == "timm" else None),
        # The adapter's own would look for the params that it declares.
        lambda framework, settings: [],
    )
    return World(repository=a_repository_in_memory(files), catalogs=catalogs)


def told(world: World | None = None, /, **changes: Any) -> list[tuple[str, str, str, str]]:
    loaded = load(yaml_of(an_experiment(**changes)), "f.yaml")
    world = world or a_world()
    return [
        (one.path, one.message, one.fix, one.severity)
        for one in check_specs([loaded], world.repository, catalogs=world.catalogs)
    ]


def test_a_sound_experiment_in_its_world_has_no_problem() -> None:
    assert told(**{"report.baseline": "digits-resnet10t"}) == []


@pytest.mark.parametrize(
    ("changes", "path", "message", "fix"),
    [
        (
            {"dataset.ref": "digit"},
            "spec.dataset.ref",
            "there is no dataset 'digit'",
            "did you mean 'digits'?",
        ),
        (
            {"dataset.ref": "flowers"},
            "spec.dataset.ref",
            "there is no dataset 'flowers'",
            "add it with 'vtspec datasets add PATH --name flowers'",
        ),
        (
            {"dataset.classes": ["0", "nine"]},
            "spec.dataset.classes[1]",
            "'nine' is no class of the dataset 'digits'",
            "use one of: 0, 1, 2",
        ),
        (
            {"training.classWeights": {"0": 1.0, "1": 1.0, "2": 1.0, "3": 1.0}},
            "spec.training.classWeights.3",
            "'3' is no class of the dataset 'digits'",
            "use one of: 0, 1, 2",
        ),
        (
            {"training.classWeights": {"0": 1.0}},
            "spec.training.classWeights",
            "lacks '1', '2'",
            "add '1: 1.0', or write 'balanced'",
        ),
        (
            {"framework": "tim"},
            "spec.framework",
            "there is no framework 'tim'",
            "did you mean 'timm'?",
        ),
        (
            {"model.name": "zzz"},
            "spec.model.name",
            "timm has no model 'zzz'",
            "look with 'vtspec models search WORDS'",
        ),
        (
            {"model.name": "resn50"},
            "spec.model.name",
            "timm has no model 'resn50'",
            "did you mean 'resnet18'?",
        ),
        (
            {"model.name": "resn50", "framework": ABSENT},
            "spec.model.name",
            "no framework has a model 'resn50'",
            "did you mean 'resnet18'?",
        ),
        (
            {"model.name": "only_toy"},
            "spec.model.name",
            "timm has no model 'only_toy'",
            "set framework to 'toy'",
        ),
        (
            {"model.name": "shared", "framework": ABSENT},
            "spec.model.name",
            "several frameworks have a model 'shared': timm, toy",
            "add 'framework: timm' under 'spec'",
        ),
        (
            {"model.name": "features"},
            "spec.model.name",
            "'features' does not do image-classification; it has no classifier",
            "look with 'vtspec models search --task image-classification'",
        ),
        (
            {"model.pretrained": True},
            "spec.model.pretrained",
            "there are no published weights of 'resnet18'",
            "set pretrained to false",
        ),
        (
            {"model.name": "vit", "training.imageSize": 100},
            "spec.training.imageSize",
            "'vit' does not take 100 x 100 pixels",
            "set imageSize to 224",
        ),
        (
            {"params": {"dropRat": 0.1}},
            "spec.params.dropRat",
            "there is no such parameter",
            "did you mean 'dropRate'?",
        ),
        (
            {"params": {"dropRate": 1.5}},
            "spec.params.dropRate",
            "must be at most 0.9, got 1.5",
            "set it to 0.9 or less",
        ),
        (
            {"params": {"dropRate": "x"}},
            "spec.params.dropRate",
            "must be of type float, got 'x'",
            "Dropout.",
        ),
        (
            {"report.gates": ["acuracy >= 0.9"]},
            "spec.report.gates[0]",
            "image-classification has no metric 'acuracy'",
            "did you mean 'accuracy'?",
        ),
        (
            {"training.checkpoint": {"monitor": "mAP50"}},
            "spec.training.checkpoint.monitor",
            "image-classification has no metric 'mAP50'",
            "use one of: accuracy, top5_accuracy, macro_f1, macro_precision, macro_recall, ece, "
            "loss",
        ),
        (
            {"report.gates": ["accuracy >= 95"]},
            "spec.report.gates[0]",
            "accuracy lies between 0 and 1, so 'accuracy >= 95' never holds",
            "did you mean 'accuracy >= 0.95'?",
        ),
        (
            # In percent, and met by whatever is trained.
            {"report.gates": ["macro_f1 > 0.5", "ece <= 5"]},
            "spec.report.gates[1]",
            "ece lies between 0 and 1, so 'ece <= 5' always holds",
            "did you mean 'ece <= 0.05'?",
        ),
        (
            {"report.gates": ["accuracy > 1"]},
            "spec.report.gates[0]",
            "accuracy lies between 0 and 1, so 'accuracy > 1' never holds",
            "write a number between 0 and 1",
        ),
        (
            {"report.gates": ["accuracy>=1e999"]},
            "spec.report.gates[0]",
            "accuracy lies between 0 and 1, so 'accuracy>=1e999' never holds",
            "write a number between 0 and 1",
        ),
        (
            {"report.gates": ["top5_accuracy < 1"]},
            "spec.report.gates[0]",
            "top5_accuracy is always 1 with 3 classes, so 'top5_accuracy < 1' never holds",
            "remove it, or judge by accuracy",
        ),
        (
            {"training.checkpoint": {"monitor": "top5_accuracy"}},
            "spec.training.checkpoint.monitor",
            "is always 1 with 3 classes, so the first epoch would be best",
            "remove monitor, or set it to accuracy",
        ),
        (
            {"dataset.classes": ["1"]},
            "spec.dataset.classes",
            "there is one class, '1': nothing to tell apart",
            "name another class beside it, one of: 0, 2",
        ),
        (
            {"report.baseline": "digits-resnet10"},
            "spec.report.baseline",
            "there is no experiment 'digits-resnet10'",
            "did you mean 'digits-resnet10t'?",
        ),
        (
            {"resources.gpus": 1, "resources.gpuType": "a10"},
            "spec.resources.gpuType",
            "vtspec.yaml describes no GPU type 'a10'",
            "did you mean 'a100'?",
        ),
        (
            {"resources.gpus": 1, "resources.gpuType": "gaudi"},
            "spec.resources.gpuType",
            "vtspec.yaml describes no GPU type 'gaudi'",
            "describe it in vtspec.yaml: 'gpuTypes: {gaudi: {memory: 80Gi}}'",
        ),
        (
            {"resources.gpus": 1, "resources.gpuType": "t4", "model.name": "giant"},
            "spec.resources.gpuType",
            "'giant' cannot be trained on t4: weights, gradients and optimizer state take "
            "29.8 GiB, and it has 16 GiB",
            "choose a larger GPU or a smaller model, or freeze the backbone",
        ),
    ],
)
def test_what_the_world_refuses_is_told_with_its_fix(
    changes: dict[str, Any], path: str, message: str, fix: str
) -> None:
    assert told(**changes) == [(path, message, fix, "error")]


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        (
            {"resources.gpus": 1},
            "spec.resources.gpus",
            "has no gpuType beside it, so memory, time and cost cannot be told",
        ),
        (
            {"resources.gpus": 1, "resources.gpuType": "t4", "training.precision": "bf16"},
            "spec.training.precision",
            "t4 has no bfloat16, so it would be emulated",
        ),
        (
            {"training.momentum": 0.9},
            "spec.training.momentum",
            "has no effect: the optimizer adamw has no such setting",
        ),
        (
            {"training.earlyStopping": {"patience": 5}},
            "spec.training.earlyStopping",
            "never stops: its patience (5) is not less than epochs (5)",
        ),
        (
            {"training.earlyStopping": {"patience": 3, "minDelta": 5}},
            "spec.training.earlyStopping.minDelta",
            "no change ever counts: accuracy lies between 0 and 1, got 5; training stops as soon "
            "as its patience ends",
        ),
        (
            {
                "training.checkpoint": {"monitor": "macro_f1"},
                "training.earlyStopping": {"patience": 3, "minDelta": 1},
            },
            "spec.training.earlyStopping.minDelta",
            "no change ever counts: macro_f1 lies between 0 and 1, got 1; training stops as soon "
            "as its patience ends",
        ),
        (
            {"report.gates": ["accuracy >= 0"]},
            "spec.report.gates[0]",
            "accuracy lies between 0 and 1, so 'accuracy >= 0' always holds",
        ),
        (
            {"report.gates": ["top5_accuracy >= 0.9"]},
            "spec.report.gates[0]",
            "top5_accuracy is always 1 with 3 classes, so 'top5_accuracy >= 0.9' always holds",
        ),
        (
            {"export.formats": []},
            "spec.export.formats",
            "leaves nothing out: safetensors is always made",
        ),
        (
            {"framework": "toy", "model.name": "shared", "params": {"x": 1}},
            "spec.params",
            "cannot be checked: the adapter of toy is not installed",
        ),
    ],
)
def test_what_is_only_doubtful_is_a_warning(
    changes: dict[str, Any], path: str, message: str
) -> None:
    ((where, what, fix, severity),) = told(**changes)
    assert (where, what, severity) == (path, message, "warning")
    assert fix


@pytest.mark.parametrize(
    "changes",
    [
        {"report.gates": ["accuracy >= 1", "ece <= 0", "macro_f1 < 1", "loss <= 5"]},
        {
            "training.checkpoint": {"monitor": "loss"},
            "training.earlyStopping": {"patience": 3, "minDelta": 5},
        },
    ],
)
def test_a_bound_that_decides_something_is_not_doubted(changes: dict[str, Any]) -> None:
    assert told(**changes) == []


@pytest.mark.parametrize(
    "changes",
    [{"report.gates": []}, {"params": {}}, {"export.formats": ["safetensors"]}, {"export": {}}],
)
def test_a_list_whose_emptiness_is_the_default_is_not_told(changes: dict[str, Any]) -> None:
    assert told(**changes) == []


@pytest.mark.parametrize(
    ("first", "second", "fix"),
    [
        (
            "accuracy >= 0.9",
            "accuracy <= 0.5",
            "remove one of the two, or write 'accuracy >= 0.5' and 'accuracy <= 0.9' "
            "for a value between them",
        ),
        ("loss > 2", "loss < 2.0", "remove one of the two"),
        ("macro_f1 < 0.5", "macro_f1 >= 0.5", "remove one of the two"),
    ],
)
def test_gates_that_no_value_meets_together_are_refused_at_both(
    first: str, second: str, fix: str
) -> None:
    found = told(**{"report.gates": [first, "ece <= 0.1", second]})
    assert found == [
        (
            f"spec.report.gates[{index}]",
            f"'{one}' and '{other}' exclude each other: no {one.split()[0]} meets both",
            fix,
            "error",
        )
        for index, one, other in ((0, first, second), (2, second, first))
    ]


@pytest.mark.parametrize(
    ("gates", "weak", "strict"),
    [
        (["accuracy >= 0.8", "accuracy >= 0.9"], 0, 1),
        (["accuracy >= 0.9", "accuracy > 0.8"], 1, 0),
        (["loss <= 2", "loss < 2"], 0, 1),
        (["loss < 2", "loss <= 2"], 1, 0),
        (["accuracy >= 0.9", "accuracy>=0.90"], 1, 0),
    ],
)
def test_a_gate_that_another_one_implies_is_a_warning(
    gates: list[str], weak: int, strict: int
) -> None:
    assert told(**{"report.gates": gates}) == [
        (
            f"spec.report.gates[{weak}]",
            f"'{gates[weak]}' decides nothing: it holds wherever '{gates[strict]}' does",
            f"remove '{gates[weak]}'",
            "warning",
        )
    ]


@pytest.mark.parametrize(
    "gates",
    [
        ["accuracy >= 0.5", "accuracy <= 0.9"],
        ["accuracy >= 0.9", "accuracy <= 0.9"],
        ["accuracy >= 0.9", "macro_f1 <= 0.5"],
    ],
)
def test_gates_that_a_value_meets_together_are_not_doubted(gates: list[str]) -> None:
    assert told(**{"report.gates": gates}) == []


def test_a_dataset_of_one_class_has_nothing_to_tell_apart() -> None:
    world = a_world(a_dataset(classes=["cat"]))
    assert told(world) == [
        (
            "spec.dataset.ref",
            "there is one class, 'cat': nothing to tell apart",
            "add images of another class to the dataset",
            "error",
        )
    ]


@pytest.mark.parametrize(
    ("classes", "field"), [(None, "spec.dataset.ref"), (["a", "b"], "spec.dataset.classes")]
)
def test_a_class_without_an_image_to_learn_from_is_refused(
    classes: list[str] | None, field: str
) -> None:
    train = {"images": 900, "perClass": {"a": 900, "b": 0, "c": 0}}
    counts = {"images": 900, "splits": {"train": train}}
    world = a_world(a_dataset(classes=["a", "b", "c"], statistics=counts))
    ((path, message, fix, severity),) = told(world, **{"dataset.classes": classes})
    assert (path, severity) == (field, "error")
    assert message.startswith("the train split has no images of 'b'")
    assert "dataset.classes" in fix


def test_top5_of_six_classes_is_a_figure() -> None:
    world = a_world(a_dataset(classes=list("abcdef")))
    gates = {"report.gates": ["top5_accuracy >= 0.9"]}
    assert told(world, **gates, **{"training.checkpoint": {"monitor": "top5_accuracy"}}) == []


def test_every_metric_that_is_said_to_end_at_1_is_known_as_a_share() -> None:
    for metric in (metric for metrics in METRICS.values() for metric in metrics):
        if "(0 to 1)" in metric.help:
            assert metric.is_share, metric.name


def test_a_batch_that_is_thought_not_to_fit_is_a_warning() -> None:
    gpu = {"resources.gpus": 1, "resources.gpuType": "t4", "training.imageSize": 224}
    assert told(**gpu, **{"training.batchSize": 64}) == []
    ((path, message, _, severity),) = told(**gpu, **{"training.batchSize": 4096})
    assert (path, severity) == ("spec.training.batchSize", "warning")
    assert message.startswith("a batch of 4096 is thought to need ")


@pytest.mark.parametrize(
    ("training", "fits"),
    [
        # 1.2e9 parameters; t4 has 16 GiB: 4 bytes each for weights, gradients and a state.
        ({"optimizer": "adamw"}, False),
        ({"optimizer": "sgd"}, True),
        ({"optimizer": "sgd", "ema": {}}, False),
        ({"optimizer": "lion"}, True),
        ({"optimizer": "rmsprop", "momentum": 0}, True),
        ({"optimizer": "rmsprop"}, False),
        ({"optimizer": "adamw", "freeze": "backbone"}, True),
        ({"optimizer": "surprise"}, True),
    ],
)
def test_only_what_no_batch_size_would_fit_is_an_error(
    training: dict[str, Any], fits: bool
) -> None:
    large = a_model("large", parameters=1_200_000_000, activations=None)
    world = a_world(frameworks={"timm": Catalog("timm", {"large": large})})
    changes = {f"training.{key}": value for key, value in training.items()}
    gpu = {"resources.gpus": 1, "resources.gpuType": "t4", "model.name": "large"}
    errors = [one for one in told(world, **gpu, **changes) if one[3] == "error"]
    assert (errors == []) == fits


def test_the_framework_follows_from_the_model() -> None:
    assert told(framework=ABSENT) == []
    ((path, *_),) = told(framework=ABSENT, params={"dropRate": 5})
    assert path == "spec.params.dropRate"


def test_a_task_that_model_framework_and_data_lack_is_told_for_each() -> None:
    found = told(task="object-detection", **{"report.gates": []})
    assert [(one[0], one[1]) for one in found] == [
        ("spec.task", "timm does not do object-detection"),
        (
            "spec.model.name",
            "'resnet18' does not do object-detection; it does image-classification",
        ),
        ("spec.dataset.ref", "the dataset 'digits' has no labels for object-detection"),
    ]


@pytest.mark.parametrize("name", list(load_frameworks()))
def test_a_task_that_the_adapter_does_not_do_is_told_with_what_is_trained(name: str) -> None:
    framework = load_frameworks()[name]
    trained = [task.value for task in load_adapter(framework.adapter).TASKS]
    assert trained and set(trained) <= {*framework.tasks}
    models = framework.catalog["models"]
    world = a_world(frameworks=load_frameworks())
    for task in (task for task in TASKS if task not in trained):
        able = [model for model, raw in models.items() if task in raw["tasks"]]
        asked = {"task": task, "framework": name, "model.name": (able or list(models))[0]}
        # Settings are kept that only an adapter to come can know.
        settings = {"report.gates": [], "params": {"later": 1}, "training.labelSmoothing": 0.1}
        found = told(world, **asked, **settings)
        if task in framework.tasks:
            message = f"cannot be trained here: the adapter for {name} does not train {task}"
            (told_,) = [one for one in found if one[1] == message]
            assert (told_[0], told_[3]) == ("spec.model.name", "warning")
            assert "vtspec models search" in told_[2]
            assert not [one for one in found if one[0].startswith("spec.training.labelSmoothing")]
            (unknown,) = [one for one in found if one[0] == "spec.params"]
            lacks = f"the adapter of {name} does not do {task} yet"
            assert unknown[1] == f"cannot be checked: {lacks}"
        else:
            (told_,) = [one for one in found if one[0] == "spec.task"]
            assert told_[1::2] == (f"{name} does not do {task}", "error")
            assert f"take another model: vtspec models search --task {task}" in told_[2]
            # Another format would not mend it.
            assert not [one for one in found if "does not read the format" in one[1]]


def test_a_format_that_the_framework_does_not_read_is_refused() -> None:
    splits = {name: {"path": name, "annotations": f"{name}.csv"} for name in ("train", "val")}
    dataset = a_dataset(format="csv", splits=splits)
    ((path, message, *_),) = told(a_world(dataset))
    assert path == "spec.dataset.ref"
    assert message == "timm does not read the format of 'digits', csv"


def test_a_batch_larger_than_the_train_split_is_a_warning() -> None:
    counts = {"images": 9, "splits": {"train": {"images": 9, "perClass": {"0": 4, "1": 5}}}}
    world = a_world(a_dataset(statistics=counts))
    ((path, message, fix, severity),) = told(world)
    assert (path, severity) == ("spec.training.batchSize", "warning")
    assert message == "is more than the train split has (9 images), got 64"
    assert fix == "set batchSize to 9 or less"
    assert told(world, **{"training.batchSize": 9}) == []
    ((_, message, *_),) = told(world, **{"dataset.classes": ["0", "1"]})
    assert "9 images" in message


def test_a_dataset_that_cannot_be_read_hides_nothing_else() -> None:
    found = told(a_world(a_dataset(format="jpegs")), **{"model.name": "resn50"})
    assert [one[0] for one in found] == ["spec.model.name", "spec.dataset.ref"]


def test_what_can_be_decided_is_checked_in_a_spec_with_other_faults() -> None:
    changes = {
        "training.epochs": 0,
        "model.name": "resn50",
        "report.gates": ["acuracy >= 1", "x"],
        "dataset.ref": "digit",
        "params": {"dropRate": [1]},
    }
    assert [one[0] for one in told(**changes)] == [
        "spec.model.name",
        "spec.dataset.ref",
        "spec.report.gates[0]",
    ]


@pytest.mark.parametrize("value", [None, True, 5, -1, 2.5, "x", [], {}, [1], {"a": 1}, [[]]])
def test_no_value_anywhere_makes_a_check_fail(value: Any) -> None:
    paths = (
        "task framework model model.name model.pretrained dataset dataset.ref dataset.classes "
        "training training.epochs training.batchSize training.imageSize training.optimizer "
        "training.classWeights training.checkpoint training.earlyStopping training.precision "
        "training.freeze training.momentum params resources resources.gpus resources.gpuType "
        "report report.gates report.baseline"
    ).split()
    for path in paths:
        told(**{"resources.gpus": 1, "resources.gpuType": "t4"} | {path: value})


def test_a_name_that_can_be_no_models_is_not_looked_for() -> None:
    assert told(**{"model.name": "x" * 5000}) == []
    assert told(**{"model.name": "two words", "framework": ABSENT}) == []


def test_two_files_with_one_name_are_told_at_the_second() -> None:
    files = [
        load(yaml_of(an_experiment()), "a.yaml"),
        load(yaml_of(an_experiment()), "b.yaml"),
        load(yaml_of(a_dataset(**{"metadata.name": "digits-resnet18"})), "c.yaml"),
    ]
    world = a_world()
    (problem,) = check_specs(files, world.repository, catalogs=world.catalogs)
    assert (problem.file, problem.path) == ("b.yaml", "metadata.name")
    assert problem.message == ("'digits-resnet18' is already the name of the Experiment in a.yaml")


def test_a_name_that_a_file_elsewhere_bears_is_told() -> None:
    loaded = load(yaml_of(an_experiment(**{"metadata.name": "digits-resnet10t"})), "new.yaml")
    world, paths = a_world(), {"new.yaml": str(TOP / "specs/experiments/new.yaml")}
    (problem,) = check_specs([loaded], world.repository, paths, world.catalogs)
    assert problem.message.endswith("of the Experiment in specs/experiments/old.yaml")


def a_repository(root: Path) -> Path:
    (root / "specs/datasets").mkdir(parents=True)
    (root / "specs/experiments").mkdir()
    (root / "vtspec.yaml").write_text(yaml_of(a_project()))
    (root / "specs/datasets/digits.yaml").write_text(yaml_of(a_dataset()))
    (root / "specs/experiments/old.yaml").write_text(
        yaml_of(an_experiment(**{"metadata.name": "old"}))
    )
    return root


def in_repository(root: Path, name: str, text: str) -> tuple[LoadedSpec, Repository]:
    path = root / "specs/experiments" / name
    path.write_text(text)
    loaded = load_file(path)
    return loaded, find_repository(root).with_specs([loaded], paths_of(loaded))


def paths_of(*loaded: LoadedSpec) -> dict[str, str]:
    return {each.file: os.path.realpath(each.file) for each in loaded}


def test_a_repository_is_the_world_of_its_specs(tmp_path: Path) -> None:
    changes = {"report.baseline": "old", "resources.gpus": 1, "resources.gpuType": "a100"}
    loaded, world = in_repository(
        a_repository(tmp_path), "new.yaml", yaml_of(an_experiment(**changes))
    )
    assert sorted(world.datasets) == ["digits"]
    assert sorted(world.experiments) == ["digits-resnet18", "old"]
    assert (len(world.datasets), len(world.experiments)) == (1, 2)
    assert check_specs([loaded], world, paths_of(loaded)) == []


def test_a_new_file_with_an_old_name_is_found_out(tmp_path: Path) -> None:
    text = yaml_of(an_experiment(**{"metadata.name": "old"}))
    loaded, world = in_repository(a_repository(tmp_path), "new.yaml", text)
    (problem,) = check_specs([loaded], world, paths_of(loaded))
    assert problem.message.startswith("'old' is already the name of the Experiment in ")


def test_a_dataset_given_beside_an_experiment_is_the_one_it_means(tmp_path: Path) -> None:
    experiment = load(yaml_of(an_experiment(**{"dataset.ref": "mine"})), "<stdin>")
    dataset = load(yaml_of(a_dataset(**{"metadata.name": "mine"})), "mine.yaml")
    repository = find_repository(a_repository(tmp_path))
    assert check_specs([experiment, dataset], repository) == []
    assert len(check_specs([experiment], repository)) == 1


@pytest.mark.parametrize(
    ("runs", "is_apart"),
    [
        ("runs", True),
        ("data", False),
        ("data/digits", False),
        ("data/digits/runs", False),
        ("data/digits-runs", True),
        ("data/x/../digits", False),
    ],
)
def test_runs_and_data_do_not_lie_in_one_another(
    tmp_path: Path, runs: str, is_apart: bool
) -> None:
    root = a_repository(tmp_path)
    world = find_repository(root).with_runs(root / runs)
    spec = load(yaml_of(an_experiment()), "new.yaml")
    said = [one.message for one in check_specs([spec], world) if "one another" in one.message]
    assert bool(said) is not is_apart


def test_a_broken_dataset_of_the_repository_is_there_but_unknown(tmp_path: Path) -> None:
    root = a_repository(tmp_path)
    (root / "specs/datasets/digits.yaml").write_text(yaml_of(a_dataset(format="jpegs")))
    loaded, world = in_repository(root, "new.yaml", yaml_of(an_experiment()))
    assert world.datasets["digits"] is None
    (problem,) = check_specs([loaded], world, paths_of(loaded))
    assert (problem.path, problem.message, problem.fix) == (
        "spec.dataset.ref",
        "the file of the dataset 'digits' has errors",
        "vtspec validate specs/datasets/digits.yaml",
    )


def test_a_broken_dataset_that_is_checked_as_well_tells_its_own_errors(tmp_path: Path) -> None:
    root = a_repository(tmp_path)
    file = root / "specs/datasets/digits.yaml"
    file.write_text(yaml_of(a_dataset(format="jpegs")))
    loaded, world = in_repository(root, "new.yaml", yaml_of(an_experiment()))
    dataset = load_file(file)
    assert check_specs([loaded, dataset], world, paths_of(loaded, dataset)) == []


def test_settings_of_an_adapter_that_is_not_installed_are_unknown() -> None:
    assert find_params(Catalog("nowhere", {})) is None
    assert "blur" not in (find_params(Catalog("toy", {})) or {})


@pytest.mark.parametrize(
    ("changes", "told_"),
    [
        ({}, "the adapter for far is not there yet"),
        ({"task": "object-detection"}, "the adapter for far is not there yet"),
        ({"model.name": "nowhere"}, "the adapter for far is not there yet"),
        ({"framework": "toy", "model.name": "shared"}, None),
        ({"framework": "toy", "model.name": "loose", "model.pretrained": True}, "plain download"),
        ({"framework": "toy", "model.name": "loose"}, None),
        (
            {
                "framework": "toy",
                "model.name": "loose",
                "model.weights": "mine.safetensors",
            },
            None,
        ),
    ],
)
def test_what_no_adapter_here_trains_is_warned_of(
    changes: dict[str, Any], told_: str | None
) -> None:
    weights = Weights(
        tag="w",
        hub_id=None,
        url="https://example.org/w.pt",
        licence="mit",
        image_size=None,
        classes=None,
    )
    models = {"net": a_model("net")}
    tasks = ("image-classification", "object-detection")
    frameworks = {
        "far": Catalog("far", models, adapter="nowhere", tasks=tasks),
        "toy": Catalog(
            "toy", {"shared": a_model("shared"), "loose": a_model("loose", weights=(weights,))}
        ),
    }
    asked = {"framework": "far", "model.name": "net", **changes}
    found = told(a_world(frameworks=frameworks), **asked)
    warnings = [one for one in found if "cannot be trained here" in one[1]]
    assert len(warnings) == (told_ is not None)
    for path, message, fix, severity in warnings:
        assert (path, severity) == ("spec.model.name", "warning")
        assert told_ is not None and told_ in message
        assert "vtspec models search" in fix


def of_hub(name: str, **changes: Any) -> CatalogModel:
    unknown = {"parameters": None, "parameters_per_class": None, "image_size": None}
    return a_model(name, hub_id=name, **{**unknown, "activations": None, **changes})


def a_world_with_a_hub(**models: CatalogModel) -> World:
    """A world whose one framework has `models`, named ORG__NAME, and is named by hub ids."""
    named = {name.replace("__", "/"): model for name, model in models.items()}
    frameworks = {"hub": Catalog("hub", named, hub_ids=True, adapter="toy")}
    return a_world(frameworks=frameworks, params_of=lambda framework: None)


def test_a_hub_id_that_no_catalog_lists_is_taken_on_trust_with_a_warning() -> None:
    other = of_hub("me/mine", listed=False, tasks=())
    asked = {"model.name": "me/mine", "task": "image-classification", "framework": ABSENT}
    message = "no catalog lists 'me/mine': it is taken for a hub id, and its task on trust"
    world = a_world_with_a_hub(me__mine=other)
    fix = "see that the hub has it, and what it does"
    assert told(world, **asked) == [("spec.model.name", message, fix, "warning")]
    # A slip is one of the listed names away.
    world = a_world_with_a_hub(me__mine=other, me__mind=of_hub("me/mind"))
    fix = "did you mean 'me/mind'?"
    assert told(world, **asked) == [("spec.model.name", message, fix, "warning")]


def test_of_a_model_without_numbers_nothing_is_said_of_memory_and_sizes() -> None:
    on_gpu = {
        "resources.gpus": 1,
        "resources.gpuType": "t4",
        "training.batchSize": 64,
        "training.imageSize": 4096,
        "model.name": "acme/net",
        "framework": "hub",
    }
    assert told(a_world_with_a_hub(acme__net=of_hub("acme/net")), **on_gpu) == []
    # A model of language: so large that its weights alone do not fit, without images.
    large = of_hub("acme/net", parameters=2_000_000_000)
    ((path, message, _, severity),) = told(a_world_with_a_hub(acme__net=large), **on_gpu)
    assert (path, severity) == ("spec.resources.gpuType", "error")
    assert "weights, gradients and optimizer state take" in message
    frozen = {**on_gpu, "training.freeze": "backbone"}
    assert told(a_world_with_a_hub(acme__net=of_hub("acme/net")), **frozen) == []


def of_toy(**changes: Any) -> dict[str, Any]:
    plain = {"optimizer": "sgd", "augmentation": "none", "epochs": 2, "imageSize": 16}
    return {
        "framework": ABSENT,
        "model": {"name": "softmax-regression"},
        "training": plain,
    } | changes


def told_by_all(**changes: Any) -> list[tuple[str, str, str, str]]:
    """What the frameworks of this installation say, with their own models and adapters."""
    return told(World(repository=a_world().repository, catalogs=Catalogs()), **changes)


ONE, SEVERAL = "image-classification", "multilabel-classification"


def told_of(task: str, format: str, **more: Any) -> list[str]:
    """What is said to timm's training of a task with data of a format, which has its labels."""
    file = {"coco": "json"}.get(format, format)
    splits = {
        name: {
            "path": name,
            **({} if format == "imagefolder" else {"annotations": f"{name}.{file}"}),
        }
        for name in ("train", "val")
    }
    data = a_dataset(tasks=[task], format=format, splits=splits, **more)
    world = World(repository=a_world(data).repository, catalogs=Catalogs())
    found = told(world, task=task, **{"report.gates": ABSENT})
    return [message for _, message, _, _ in found]


@pytest.mark.parametrize(
    ("task", "format"),
    [
        *((ONE, each) for each in ("imagefolder", "csv", "jsonl")),
        *((SEVERAL, each) for each in ("csv", "jsonl", "coco")),
    ],
)
def test_timm_reads_each_format_that_carries_labels_of_images(task: str, format: str) -> None:
    assert told_of(task, format) == []


def test_folders_of_a_class_each_are_refused_for_several_labels() -> None:
    world = World(repository=a_world().repository, catalogs=Catalogs())
    assert told(world, task=SEVERAL, **{"report.gates": ABSENT}) == [
        (
            "spec.dataset.ref",
            f"the dataset 'digits' has no labels for {SEVERAL}",
            f"set task to '{ONE}', or name another dataset",
            "error",
        )
    ]
    (problem,) = load(yaml_of(a_dataset(tasks=[SEVERAL])), "f.yaml").problems
    assert problem.message == f"the format imagefolder cannot carry labels of {SEVERAL}"
    assert problem.fix == "remove the task, or convert the data to csv or jsonl or coco"


def test_of_several_labels_each_class_needs_a_train_image() -> None:
    train = {"images": 900, "perClass": {"a": 900, "b": 0}}
    counts = {"images": 900, "splits": {"train": train}}
    (message,) = told_of(SEVERAL, "csv", classes=["a", "b"], statistics=counts)
    assert message == "the train split has no images of 'b'"


@pytest.mark.parametrize(
    ("field", "value", "message", "fix"),
    [
        (
            "training.optimizer",
            "lion",
            "optimizer lion",
            "set optimizer to 'sgd', or leave it out",
        ),
        ("training.freeze", ["stem"], "freeze [stem]", "set freeze to 'none', or leave it out"),
        ("training.ema", {"decay": 0.9}, "ema", "leave ema out"),
        ("training.scheduler", "step", "scheduler step", None),
        ("training.augmentation", "light", "augmentation light", None),
        ("training.precision", "bf16", "precision bf16", None),
        ("export.formats", ["onnx"], "formats [onnx]", None),
    ],
)
def test_what_the_adapter_cannot_do_is_an_error(
    field: str, value: object, message: str, fix: str | None
) -> None:
    (found,) = told_by_all(**of_toy(), **{field: value})
    assert found[:2] == (f"spec.{field}", f"toy cannot do {message}")
    assert found[3] == "error"
    assert fix in (None, found[2])


def test_all_that_the_adapter_cannot_do_is_told_at_once() -> None:
    many = {"training.optimizer": "adam", "training.ema": {}, "resources": {"gpus": 1}}
    told = told_by_all(**of_toy(), **many)
    found = [(path, how) for path, message, _, how in told if "toy cannot do" in message]
    assert found == [
        ("spec.training.optimizer", "error"),
        ("spec.training.ema", "error"),
        ("spec.resources.gpus", "warning"),
    ]


@pytest.mark.parametrize("precision", [ABSENT, "auto", "fp32"])
def test_what_is_left_to_the_adapter_is_no_problem(precision: object) -> None:
    left = {"training.optimizer": ABSENT, "training.augmentation": ABSENT}
    assert told_by_all(**of_toy(), **left, **{"training.precision": precision}) == []


def test_a_momentum_has_an_effect_where_the_adapter_alone_decides_the_optimizer() -> None:
    left = {"training.optimizer": ABSENT, "training.momentum": 0.5}
    assert told_by_all(**of_toy(), **left) == []


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        ({"params": {"hflip": 0.5}, "training.augmentation": "none"}, "params.hflip", "none"),
        ({"params": {"mixupProb": 0.5}}, "params.mixupProb", "nothing is mixed"),
        (
            {"training.minLearningRate": 0.1, "training.scheduler": "step"},
            "training.minLearningRate",
            "changes nothing with scheduler 'step'",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_errors_before_a_run(
    changes: dict[str, Any], path: str, message: str
) -> None:
    (found,) = told_by_all(**changes)
    assert found[0] == f"spec.{path}"
    assert message in found[1]
    assert found[3] == "error"


def test_a_batch_that_several_gpus_cannot_divide_is_told() -> None:
    few = {"resources": {"gpus": 3}, "training.batchSize": 32}
    found = [one for one in told_by_all(**few) if one[0] == "spec.training.batchSize"]
    assert found == [
        (
            "spec.training.batchSize",
            "32 cannot be divided among 3 GPUs",
            "set training.batchSize to 33",
            "error",
        )
    ]
    pairs = {"resources": {"gpus": 3}, "training.batchSize": 33, "training.augmentation": "strong"}
    found = [one for one in told_by_all(**pairs) if one[0] == "spec.training.batchSize"]
    assert "33 cannot be divided among 3 GPUs in pairs, as mixup needs" in found[0][1]
    assert [
        one for one in told_by_all(**few | {"training.batchSize": 33}) if one[3] == "error"
    ] == []


def test_a_precision_of_gpus_is_told_where_none_is_asked_for() -> None:
    (found,) = told_by_all(**{"training.precision": "fp16"})
    assert found[0] == "spec.training.precision"
    assert found[1] == "cannot be trained here: fp16 needs a GPU"
    assert found[3] == "warning"


PNG, JPEG = b"\x89PNG\r\n\x1a\n and so on", b"\xff\xd8\xff\xe0 and so on"


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"train/0/1.png": PNG, "train/0/2.jpg": JPEG}, "train/0/2.jpg"),
        ({"val/1/b.png": JPEG, "val/1/a.PNG": PNG}, "val/1/b.png"),
        ({"train/0/1.webp": b"RIFF", "train/0/notes.txt": b"words"}, "train/0/1.webp"),
        # What it is decides, and not what it is called.
        ({"train/0/1.jpg": PNG, "train/0/.hidden.jpg": JPEG}, None),
        # One that was cut off is told as damaged, by whoever reads it.
        ({"train/0/1.png": PNG[:4], "train/0/2.png": b""}, None),
        ({}, None),
    ],
)
def test_pictures_that_the_adapter_cannot_read_are_warned_of(
    tmp_path: Path, files: dict[str, bytes], place: str | None
) -> None:
    root = a_repository(tmp_path)
    for name, content in files.items():
        path = root / "data" / "digits" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    loaded, world = in_repository(root, "new.yaml", yaml_of(an_experiment(**of_toy())))
    found = check_specs([loaded], world, paths_of(loaded))
    told_of = [one for one in found if "reads PNG files alone" in one.message]
    assert [(one.severity, one.path) for one in told_of] == (
        [] if place is None else [("warning", "spec.dataset.ref")]
    )
    for one in told_of:
        assert one.message.startswith("cannot be trained here: toy reads")
        assert f"data/digits/{place} is none" in one.message
        assert one.fix == "use a model of timm: vtspec models search --framework timm"
    # Of a framework that reads every kind nothing is said.
    loaded, world = in_repository(root, "else.yaml", yaml_of(an_experiment()))
    assert not [
        one for one in check_specs([loaded], world, paths_of(loaded)) if "reads" in one.message
    ]


def test_a_training_of_poses_needs_the_names_of_the_points() -> None:
    parts = {name: {"path": name, "annotations": f"{name}.json"} for name in ("train", "val")}
    data = {"spec.tasks": ["pose-estimation"], "spec.format": "coco", "spec.splits": parts}
    for points, expected in ((["nose"], []), ([], ["error"])):
        world = a_world(a_dataset(**data, **{"spec.keypoints": points} if points else {}))
        found = told(world, task="pose-estimation")
        message = "the dataset 'digits' does not name its keypoints"
        assert [one[3] for one in found if one[1] == message] == expected
