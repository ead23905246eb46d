"""A spec file into a model, or into every problem in it at once, with what to type."""

import copy
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import (
    ABSENT,
    a_dataset,
    a_project,
    an_experiment,
    full_dataset,
    full_experiment,
    full_project,
    yaml_of,
)
from vtspec.schema.dump import dump
from vtspec.schema.kinds.experiment import Experiment
from vtspec.schema.kinds.field_types import Part
from vtspec.schema.kinds.rules import iter_violations
from vtspec.schema.load import MOST_PROBLEMS, LoadedSpec, load, load_file
from vtspec.schema.problem import Problem, SpecError
from vtspec.schema.yaml_source.decoding import UNPRINTABLE
from vtspec.schema.yaml_source.document import parse_document


def told(loaded: LoadedSpec) -> list[tuple[str, str, str]]:
    return [(one.path, one.message, one.fix) for one in loaded.problems]


def loaded_experiment(**changes: Any) -> LoadedSpec:
    return load(yaml_of(an_experiment(**changes)), "f.yaml")


def loaded_dataset(**changes: Any) -> LoadedSpec:
    return load(yaml_of(a_dataset(**changes)), "f.yaml")


@pytest.mark.parametrize("spec", [an_experiment(), a_dataset(), a_project()])
def test_a_sound_spec_becomes_its_model(spec: dict[str, Any]) -> None:
    loaded = load(yaml_of(spec), "f.yaml")
    assert loaded.problems == ()
    assert type(loaded.model).__name__ == loaded.kind == spec["kind"]
    assert loaded.name == spec["metadata"]["name"]


@pytest.mark.parametrize(
    ("path", "value", "message", "fix"),
    [
        ("training.epochs", 0, "must be at least 1, got 0", "set epochs to 1 or more"),
        (
            "training.epochs",
            10001,
            "must be at most 10000, got 10001",
            "set epochs to 10000 or less",
        ),
        (
            "training.learningRate",
            0,
            "must be more than 0, got 0",
            "set learningRate to more than 0",
        ),
        (
            "training.labelSmoothing",
            1,
            "must be less than 1, got 1",
            "set labelSmoothing to less than 1",
        ),
        (
            "training.epochs",
            "5",
            "must be a whole number from 1 to 10000, got '5'",
            "write 5 without quotes",
        ),
        (
            "training.epochs",
            1.5,
            "must be a whole number from 1 to 10000, got 1.5",
            "write 'epochs: 50'",
        ),
        (
            "training.epochs",
            None,
            "must be a whole number from 1 to 10000, got null",
            "write a value after 'epochs:'",
        ),
        (
            "training.optimizer",
            "adamww",
            "must be one of: adamw, adam, nadam, radam, sgd, rmsprop, lamb, lion, got 'adamww'",
            "did you mean 'adamw'?",
        ),
        (
            "training.precision",
            "double",
            "must be one of: auto, fp32, bf16, fp16, got 'double'",
            "set precision to one of: auto, fp32, bf16, fp16",
        ),
        ("model.pretrained", "yes", "must be true or false, got 'yes'", "write true"),
        ("model.pretrained", 1, "must be true or false, got 1", "set pretrained to true or false"),
        (
            "dataset.ref",
            5,
            "must be a DNS label: lower-case letters, digits and '-', at most 40 characters, "
            "got 5",
            'write "5" with quotes',
        ),
        (
            "dataset.ref",
            "My Data_1",
            "must be a DNS label: lower-case letters, digits and '-', at most 40 characters, "
            "got 'My Data_1'",
            "did you mean 'my-data-1'?",
        ),
        (
            "resources.memory",
            "4 GB",
            "must be a size in Mi, Gi or Ti, got '4 GB'",
            "did you mean '4Gi'?",
        ),
        (
            "resources.maxDuration",
            "30min",
            "must be a length of time in s, m, h or d, got '30min'",
            "did you mean '30m'?",
        ),
        (
            "resources.maxDuration",
            "soon",
            "must be a length of time in s, m, h or d, got 'soon'",
            "write it like '30m'",
        ),
        (
            "report.gates",
            "accuracy >= 0.9",
            "must be a list, each a metric, one of >= <= > <, and a number, got 'accuracy >= 0.9'",
            "write [accuracy >= 0.9]",
        ),
        (
            "training.imageSize",
            "big",
            "must be a whole number from 1 to 8192 or a list of 2, each a whole number from 1 to "
            "8192, got 'big'",
            "write 'imageSize: 224'",
        ),
        (
            "training.imageSize",
            0,
            "must be at least 1, got 0",
            "set imageSize to 1 or more",
        ),
        (
            "training.classWeights",
            "balancd",
            "must be 'balanced', got 'balancd'",
            "did you mean 'balanced'?",
        ),
        (
            "training.classWeights",
            {},
            "must have at least 1 item, got 0",
            "add one, or remove the line",
        ),
        ("dataset.classes", ["0", "0"], "holds '0' twice", "remove one of the two"),
        (
            "export",
            [],
            "must be a mapping with the keys formats, got []",
            "write its keys below 'export:', indented",
        ),
        ("description", "x" * 2001, "must have at most 2000 characters, got 2001", "shorten it"),
        (
            "tracking.experiment",
            "",
            "must have at least 1 character, got 0",
            "write something, or remove the line",
        ),
        (
            "tracking.experiment",
            "a\nb",
            "must be a single line, got 'a\\nb'",
            "write it like 'digits'",
        ),
        (
            "metadata.annotations",
            {"note": "{{workflow.name}}"},
            "must not hold '{{'",
            "remove the braces; nothing is filled in here",
        ),
        (
            "model.weights",
            "../w.safetensors",
            "must not leave the repository",
            "write a path below its root, without '..'",
        ),
    ],
)
def test_a_wrong_value_is_told_with_its_fix(path: str, value: Any, message: str, fix: str) -> None:
    (problem,) = loaded_experiment(**{path: value}).problems
    assert (problem.message, problem.fix) == (message, fix)


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("description", "spec.description"),
        ("gates", "spec.report.gates"),
        ("seed", "spec.training.seed"),
    ],
)
def test_a_key_that_stands_outside_of_spec_is_told_by_its_whole_path(key: str, meant: str) -> None:
    text = yaml_of(an_experiment()).replace("metadata:", f"metadata:\n  {key}: x", 1)
    (problem,) = load(text, "x.yaml").problems
    assert (problem.path, problem.fix) == (f"metadata.{key}", f"did you mean '{meant}'?")


def test_a_gate_that_is_nearly_right_is_mended() -> None:
    (problem,) = loaded_experiment(**{"report.gates": ["accuracy => 0.9"]}).problems
    assert (problem.path, problem.fix) == (
        "spec.report.gates[0]",
        "did you mean 'accuracy >= 0.9'?",
    )


@pytest.mark.parametrize(
    ("path", "key", "fix"),
    [
        ("training.batch_size", "spec.training.batch_size", "did you mean 'batchSize'?"),
        ("training.epoch", "spec.training.epoch", "did you mean 'epochs'?"),
        ("framwork", "spec.framwork", "did you mean 'framework'?"),
        ("training.lr", "spec.training.lr", "did you mean 'learningRate'?"),
        ("epochs", "spec.epochs", "did you mean 'training.epochs'?"),
        ("bs", "spec.bs", "did you mean 'training.batchSize'?"),
        ("training.gpus", "spec.training.gpus", "did you mean 'resources.gpus'?"),
        ("dataset.gates", "spec.dataset.gates", "did you mean 'report.gates'?"),
        (
            "export.colour",
            "spec.export.colour",
            "remove it; the keys here are formats",
        ),
        ("training.<<", "spec.training.<<", "write the fields out here"),
    ],
)
def test_an_unknown_key_is_refused_with_the_one_that_was_meant(
    path: str, key: str, fix: str
) -> None:
    (problem,) = loaded_experiment(**{path: 1}).problems
    assert (problem.path, problem.fix) == (key, fix)


def test_a_missing_key_points_at_its_parent_with_an_example() -> None:
    text = yaml_of(an_experiment(**{"training.epochs": ABSENT}))
    (problem,) = load(text, "f.yaml").problems
    line = text.split("\n").index("  training:") + 1
    assert (problem.line, problem.column, problem.path) == (line, 3, "spec.training.epochs")
    assert (problem.message, problem.fix) == ("is required", "add 'epochs: 50' under 'training'")
    assert problem.value is None


def test_a_problem_stands_at_its_value_and_carries_it() -> None:
    text = yaml_of(an_experiment(**{"training.epochs": 0}))
    (problem,) = load(text, "some/cars.yaml").problems
    line = next(n for n, one in enumerate(text.split("\n"), 1) if "epochs" in one)
    assert problem == Problem(
        file="some/cars.yaml",
        line=line,
        column=13,
        path="spec.training.epochs",
        value=0,
        message="must be at least 1, got 0",
        fix="set epochs to 1 or more",
    )
    assert str(problem) == (
        f"some/cars.yaml:{line}:13: spec.training.epochs: must be at least 1, got 0\n"
        "  fix: set epochs to 1 or more"
    )


def test_every_problem_of_a_file_is_told_at_once_in_the_order_of_its_lines() -> None:
    loaded = loaded_experiment(
        **{
            "kind": "Experment",
            "metadata.name": "A",
            "framwork": "timm",
            "model.pretrained": True,
            "model.weights": "run:x",
            "training.epochs": 0,
            "training.seed": -1,
            "training.freeze": ["a", 5],
            "resources.gpuType": "t4",
            "report.gates": ["x"],
        }
    )
    assert [one.path for one in loaded.problems] == [
        "kind",
        "metadata.name",
        "spec.model.weights",
        "spec.training.epochs",
        "spec.training.seed",
        "spec.training.freeze[1]",
        "spec.resources.gpuType",
        "spec.report.gates[0]",
        "spec.framwork",
    ]
    assert loaded.model is None


def test_yaml_rules_structure_and_rules_are_told_together() -> None:
    text = yaml_of(an_experiment(**{"training.epochs": 0, "training.sed": 1}))
    loaded = load(text + "kind: Experiment\nextra: &a 1\n", "f.yaml")
    assert [one.path for one in loaded.problems] == [
        "spec.training.epochs",
        "spec.training.sed",
        "kind",
        "extra",
        "extra",
    ]


def test_nothing_is_said_of_a_value_that_the_yaml_rules_refused() -> None:
    text = yaml_of(an_experiment()).replace('"digits"', "*digits")
    assert [one.message for one in load(text, "f").problems] == [
        "'*digits' is an alias, and aliases are not read"
    ]
    assert len(load("*a", "f").problems) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; a spec has apiVersion, kind, metadata and spec"),
        ("- a", "must be a mapping; a spec has apiVersion, kind, metadata and spec"),
        ("5", "must be a mapping; a spec has apiVersion, kind, metadata and spec"),
        ("a: 1", "is no spec: it has no kind"),
        ("kind: Workflow", "there is no kind 'Workflow'"),
        ("kind: [1]", "there is no kind [1]"),
    ],
)
def test_what_is_no_spec_is_one_problem(text: str, message: str) -> None:
    (problem,) = load(text, "f").problems
    assert problem.message == message
    assert "Experiment" in problem.fix or "apiVersion" in problem.fix


def test_a_spec_without_a_kind_is_judged_as_what_it_looks_like() -> None:
    loaded = loaded_experiment(kind=ABSENT)
    assert told(loaded) == [("kind", "is required", "add 'kind: Experiment'")]


def test_an_unknown_version_says_which_there_is() -> None:
    loaded = loaded_experiment(apiVersion="vtspec.dev/v1")
    assert told(loaded)[0][2] == "did you mean 'vtspec.dev/v1alpha1'?"


def test_of_very_many_problems_the_first_are_told() -> None:
    keys = {f"key{n}": n for n in range(5000)}
    loaded = loaded_experiment(**{"training": {"epochs": 1, **keys}})
    assert len(loaded.problems) == MOST_PROBLEMS + 1
    assert loaded.problems[-1].message == "has more problems than are shown"


def test_a_key_with_a_line_break_stays_on_one_line_when_shown() -> None:
    (problem,) = load(yaml_of(an_experiment(**{"training.a\nb\tc": 1})), "x\x1b.yaml").problems
    assert str(problem).count("\n") == 1
    assert "\x1b" not in str(problem)


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        (
            {"model.pretrained": True, "model.weights": "run:a"},
            "spec.model.weights",
            "cannot stand together with 'pretrained: true'",
        ),
        ({"resources.gpuType": "t4"}, "spec.resources.gpuType", "needs 'gpus' of at least 1"),
        (
            {"training.minLearningRate": 0.001},
            "spec.training.minLearningRate",
            "must be less than learningRate (0.001), got 0.001",
        ),
        (
            {"training.minLearningRate": 0.5, "training.learningRate": ABSENT},
            "spec.training.minLearningRate",
            "must be less than learningRate (0.001), got 0.5",
        ),
        (
            {"training.warmupEpochs": 5},
            "spec.training.warmupEpochs",
            "must be less than epochs (5), got 5",
        ),
        (
            {"dataset.classes": ["0", "1"], "training.classWeights": {"0": 1.0, "2": 1.0}},
            "spec.training.classWeights",
            "lacks '1'",
        ),
        (
            {"task": "ocr", "dataset.classes": ["a"]},
            "spec.dataset.classes",
            "means nothing to the task ocr, whose labels are no classes",
        ),
        (
            {"report.baseline": "digits-resnet18"},
            "spec.report.baseline",
            "an experiment cannot be its own baseline",
        ),
    ],
)
def test_what_fields_of_an_experiment_say_together_is_checked(
    changes: dict[str, Any], path: str, message: str
) -> None:
    assert (path, message) in [(one[0], one[1]) for one in told(loaded_experiment(**changes))]


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        ({"source": {}}, "spec.source", "must hold exactly one of 'dvc' and 'path'"),
        (
            {"source": {"dvc": {"path": "a"}, "path": "a"}, "contentHash": f"md5:{'0' * 32}"},
            "spec.source",
            "must hold exactly one of 'dvc' and 'path'",
        ),
        ({"source": {"path": "a"}}, "spec.source.path", "a plain path needs spec.contentHash"),
        (
            {"source.dvc": {"path": "a", "repo": "https://x.org/y"}},
            "spec.source.dvc.repo",
            "needs 'rev', or the data could change unseen",
        ),
        (
            {"source.dvc": {"path": "a", "rev": "v1"}},
            "spec.source.dvc.rev",
            "means something only with 'repo'",
        ),
        (
            {"classes": []},
            "spec.classes",
            "is empty, but image-classification needs class names",
        ),
        (
            {"keypoints": ["left-eye", "nose"]},
            "spec.keypoints",
            "means something only with the task pose-estimation",
        ),
        (
            {"format": "yolo"},
            "spec.tasks[0]",
            "the format yolo cannot carry labels of image-classification",
        ),
        ({"format": "csv"}, "spec.splits.train", "needs 'annotations' in the format csv"),
        (
            {"splits.val": {"path": "train/"}},
            "spec.splits.val",
            "is the same data as 'train', so nothing is measured on it",
        ),
        (
            {
                "statistics": {
                    "images": 1,
                    "splits": {"train": {"images": 1, "perClass": {"9": 1}}},
                }
            },
            "spec.statistics.splits.train.perClass.9",
            "'9' is no class of spec.classes",
        ),
    ],
)
def test_what_fields_of_a_dataset_say_together_is_checked(
    changes: dict[str, Any], path: str, message: str
) -> None:
    assert (path, message) in [(one[0], one[1]) for one in told(loaded_dataset(**changes))]


@pytest.mark.parametrize(
    ("changes", "key", "fix"),
    [
        ({"classes": []}, "classes", "'classes: [cat, dog]', in index order"),
        ({"source": {"dvc": None}}, "dvc", "'dvc: {path: data/NAME}'"),
        (
            {"source": {"path": "data/x"}, "contentHash": None},
            "contentHash",
            "'contentHash: md5:…', which 'vtspec datasets inspect PATH' prints",
        ),
        (
            {"source.dvc": {"path": "data/x", "repo": "https://a.b/c", "rev": None}},
            "rev",
            "'rev: …', a commit or tag",
        ),
    ],
)
def test_a_key_that_is_there_already_is_to_be_replaced(
    changes: dict[str, Any], key: str, fix: str
) -> None:
    text = yaml_of(a_dataset(**changes))
    (problem,) = load(text, "f.yaml").problems
    assert problem.fix == f"replace '{key}' by {fix}"
    (line,) = [one for one in text.splitlines() if one.strip().startswith(f"{key}:")]
    (problem,) = load(text.replace(f"{line}\n", ""), "f.yaml").problems
    if key != "dvc":
        assert problem.fix == f"add {fix}"


@pytest.mark.parametrize(
    ("url", "is_read"),
    [
        ("s3://acme", True),
        ("s3://acme-data/dvc", True),
        ("https://data.example.org/dvc", True),
        ("http://data.vision.svc:8080/a b", False),
        ("http://data:8080", True),
        ("http://[fd00::1]:80/dvc", True),
        ("s3://", False),
        ("s3:///dvc", False),
        ("s3://x", False),
        ("s3://Acme/dvc", False),
        ("http://", False),
        ("https:///dvc", False),
        ("https://:80/dvc", False),
        ("https://{{host}}/dvc", False),
        ("ssh://host/dvc", False),
        ("gs://acme/dvc", False),
        ("azure://acme/dvc", False),
        ("webdavs://host/dvc", False),
        ("/tmp/x", False),
        ("../data", False),
        ("data", False),
    ],
)
def test_a_remote_is_what_the_pod_of_step_data_can_fetch_from(url: str, is_read: bool) -> None:
    problems = load(yaml_of(a_project(remotes={"storage": {"url": url}})), "f.yaml").problems
    assert (problems == ()) == is_read
    for problem in problems:
        assert problem.path == "spec.remotes.storage.url"
        assert "must be what a pod can fetch from: s3://BUCKET/PREFIX, https" in problem.message
        assert problem.fix == "write it like 's3://acme-data/dvc'"


def test_a_classless_task_needs_no_classes() -> None:
    changes = {"tasks": ["super-resolution"], "format": "pairs", "classes": ABSENT}
    splits = {name: {"path": name, "targets": f"hr/{name}"} for name in ("train", "val")}
    assert loaded_dataset(**changes, splits=splits).problems == ()


@pytest.mark.parametrize("path", ["/data", "a/../b", "..", "a\\b", "~/data", "C:/data", "a\nb"])
def test_a_path_may_not_leave_the_repository(path: str) -> None:
    (problem,) = loaded_dataset(**{"source.dvc": {"path": path}}).problems
    assert problem.path == "spec.source.dvc.path"


HASH = "md5:" + "0" * 32 + ".dir"


@pytest.mark.parametrize("path", ["/mnt/big/cats", "/data", "//nas/cats", "/mnt/.github/x"])
def test_a_plain_path_may_lie_outside_of_the_repository(path: str) -> None:
    assert loaded_dataset(source={"path": path}, contentHash=HASH).problems == ()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/", "is the whole machine"),
        ("//.", "is the whole machine"),
        ("/srv/repo/.git/objects", "lies in .git"),
        (".dvc/cache", "lies in .dvc"),
        ("./.", "is the whole repository"),
        ("/data/../etc", "must not leave the repository"),
        ("~/data", "must be a path below the repository's root, or one that begins with '/'"),
    ],
)
def test_a_plain_path_is_a_folder_of_its_own(path: str, message: str) -> None:
    (problem,) = loaded_dataset(source={"path": path}, contentHash=HASH).problems
    assert problem.path == "spec.source.path" and message in problem.message


@pytest.mark.parametrize(
    ("train", "val", "message"),
    [
        ("train", "./train", "is the same data as 'train'"),
        ("a/b", "a//b/.", "is the same data as 'train'"),
        ("train", "train/val", "lies inside 'train' (train), whose data it then is"),
        ("a/./b", "a", "holds 'train' (a/b), whose data it then is"),
        (".", "val", "lies inside 'train' (.), whose data it then is"),
        ("train", ".", "holds 'train' (train), whose data it then is"),
    ],
)
def test_splits_that_share_data_are_refused_however_they_are_spelt(
    train: str, val: str, message: str
) -> None:
    changes = {"splits.train": {"path": train}, "splits.val": {"path": val}}
    (problem,) = loaded_dataset(**changes, **{"splits.test": ABSENT}).problems
    assert problem.path == "spec.splits.val" and problem.message.startswith(message)


def test_splits_whose_names_begin_alike_share_nothing() -> None:
    splits = {"splits.train": {"path": "a"}, "splits.val": {"path": "ab"}}
    assert loaded_dataset(**splits).problems == ()


def test_splits_of_one_folder_differ_by_their_label_files() -> None:
    def labelled(file: str) -> dict[str, str]:
        return {"path": ".", "annotations": file}

    changes = {"format": "csv", "splits.test": ABSENT, "splits.train": labelled("a.csv")}
    assert loaded_dataset(**changes, **{"splits.val": labelled("b.csv")}).problems == ()
    (problem,) = loaded_dataset(**changes, **{"splits.val": labelled("./a.csv")}).problems
    assert "is the same data as" in problem.message


@pytest.mark.parametrize("path", [".", "./.", ".git", ".git/hooks", ".dvc/cache"])
def test_data_has_a_folder_of_its_own(path: str) -> None:
    (problem,) = loaded_dataset(**{"source.dvc": {"path": path}}).problems
    assert problem.path == "spec.source.dvc.path"
    assert problem.fix == "take a folder of its own: 'path: data/NAME'"


@pytest.mark.parametrize(
    ("field", "path"),
    [("runs", "."), ("runs", ".git"), ("runs", ".dvc/x"), ("runs", "specs"), ("specs", ".git/x")],
)
def test_runs_and_specs_lie_where_nothing_else_does(field: str, path: str) -> None:
    (problem,) = load(yaml_of(a_project(**{field: path})), "vtspec.yaml").problems
    assert problem.path == f"spec.{field}"


UNSEEN = [
    "c\u200bat",
    "cat\u2060",
    "c\xadat",
    "\u200fcat",
    "ca\u200dt",
    "고\u3164",
    "c\U000e0061t",
    "ca\u034ft",
    "ca\ufe0ft",
    "cat\u2800",
    "ca\u180bt",
    "ca\u17b4t",
    "고\U000e0100",
]


@pytest.mark.parametrize("name", UNSEEN, ids=ascii)
def test_a_name_that_holds_what_nobody_sees_is_refused_by_its_code_point(name: str) -> None:
    (problem,) = loaded_dataset(classes=[name, "9"], statistics=ABSENT).problems
    (point,) = [ord(one) for one in name if one not in "cat고"]
    assert problem.message == f"character U+{point:04X} is not allowed in a spec"
    text = yaml_of(a_dataset(classes=["NAME", "9"], statistics=ABSENT))
    escaped = "".join(f"\\U{ord(one):08x}" for one in name)
    (problem,) = load(text.replace("NAME", escaped), "f.yaml").problems
    assert problem.message == "an escape stands for a character that is not allowed in a spec"


ALIKE = [
    ("caf\u00e9", "cafe\u0301"),
    ("\uac00", "\u1100\u1161"),
    ("\u0645\u06cc\u062e", "\u0645\u06cc\u200c\u062e"),
    ("\u2764", "\u2764\ufe0f"),
]


@pytest.mark.parametrize(("name", "other"), ALIKE, ids=ascii)
def test_two_classes_that_look_the_same_are_refused(name: str, other: str) -> None:
    (problem,) = loaded_dataset(classes=[name, "9", other], statistics=ABSENT).problems
    assert problem.path == "spec.classes[2]"
    assert "looks the same as another class" in problem.message
    assert f"U+{ord(other[0]):04X}" in problem.message


JOINED = [
    "고양이",
    "1\ufe0f\u20e3",
    "\u2764\ufe0f",
    "\u0645\u06cc\u200c\u062e",
    "\U0001f468\u200d\U0001f469",
    "é",
    "a b",
]


@pytest.mark.parametrize("name", JOINED, ids=ascii)
def test_letters_that_need_a_joiner_keep_it(name: str) -> None:
    assert loaded_dataset(classes=[name, "9"], statistics=ABSENT).problems == ()


@pytest.mark.parametrize("bound", ["1e999", "-1e999", "9e308"])
def test_a_gate_has_a_bound_that_is_a_number(bound: str) -> None:
    (problem,) = loaded_experiment(**{"report.gates": [f"accuracy >= {bound}"]}).problems
    assert problem.path == "spec.report.gates[0]"
    assert "too large for a number" in problem.message


@pytest.mark.parametrize(
    ("written", "fix"),
    [
        ("1_000", "write 1000"),
        ("1,000", "write 1000"),
        ("1 000", "write 1000"),
        ("0b11", "write 3"),
        ("1:30", "write 90"),
        ("\uff11\uff10", "write 10"),
        ("' 10 '", "write 10"),
        ("'10'", "write 10 without quotes"),
    ],
)
def test_a_number_of_another_yaml_is_told_as_yaml_1_2_writes_it(written: str, fix: str) -> None:
    text = yaml_of(an_experiment(**{"training.epochs": 77})).replace("77", written)
    (problem,) = load(text, "f.yaml").problems
    assert (problem.path, problem.fix) == ("spec.training.epochs", fix)
    mended = text.replace(written, fix.split()[1])
    assert load(mended, "f.yaml").problems == ()


def list_fields(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    inner = value if isinstance(value, dict) else {}
    return [path, *(found for key in inner for found in list_fields(inner[key], (*path, key)))]


@pytest.mark.parametrize("spec", [full_experiment(), full_dataset(), full_project()])
def test_every_problem_of_every_field_is_shown_with_what_to_type(spec: dict[str, Any]) -> None:
    seen: set[str] = set()
    for path in (path for path in list_fields(spec["spec"]) if path):
        for wrong in ("foo", ["foo", "foo"], [], {"foo": 1}, -1):
            changed = copy.deepcopy(spec)
            place = changed["spec"]
            for key in path[:-1]:
                place = place[key]
            held = place[path[-1]]
            # A list also with what it holds, each twice.
            for value in (wrong, held * 2 if isinstance(held, list) else wrong):
                place[path[-1]] = value
                for problem in load(json.dumps(changed), "f.yaml").problems:
                    told, _, fix = str(problem).partition("\n  fix: ")
                    assert fix.strip() and "\n" not in fix, told
                    seen.add(problem.message.split()[0])
    assert {"must", "there", "holds"} <= seen


WRONG_TIMES = ("5 min", "36500d", "99999h", "999999 days")
TYPED = re.compile(
    r"""did\ you\ mean\ '(?P<meant>[^']+)'\?|write\ it\ like\ '(?P<like>[^']+)'
    |write\ '[^:' ]+:\ (?P<example>.+)'
    |write\ (?P<first>\w+)(,\ \w+)*\ or\ (?P<last>\w+)
    |write\ (?P<value>\[.*\]|true|false|"[^"]*"|[-+.\w]+)(\ with(out)?\ quotes)?""",
    re.VERBOSE,
)


@pytest.mark.parametrize("spec", [full_experiment(), full_dataset(), full_project()])
def test_what_a_fix_says_to_write_is_accepted_when_it_is_written(spec: dict[str, Any]) -> None:
    seen = set()
    for path in (path for path in list_fields(spec["spec"]) if path):
        for wrong in (
            5,
            "5",
            500000,
            "500000",
            0,
            -1,
            1.5,
            "1.5",
            True,
            "yes",
            "foo",
            *WRONG_TIMES,
        ):
            for problem in load_with(spec, path, json.dumps(wrong)).problems:
                found = TYPED.fullmatch(problem.fix)
                if found is None or problem.path != ".".join(("spec", *path)):
                    continue
                for form, written in found.groupdict().items():
                    if written is not None:
                        again = load_with(spec, path, written)
                        # What rules over several fields say of it then is another thing.
                        rules = iter_violations(spec["kind"], again.document.data)
                        apart = {one.message for one in rules}
                        told = [p.path for p in again.problems if p.message not in apart]
                        assert problem.path not in told, (wrong, problem)
                        seen.add(form)
    assert {"like", "example", "value", "meant"} <= seen


def load_with(spec: dict[str, Any], path: tuple[str, ...], written: str) -> LoadedSpec:
    """The spec with a text, as a person types it, in the place of a value."""
    changed = copy.deepcopy(spec)
    place = changed["spec"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = "HERE"
    return load(json.dumps(changed).replace('"HERE"', written), "f.yaml")


@pytest.mark.parametrize(
    ("field", "value", "fix"),
    [
        ("maxWait", 5, "write 5s, 5m, 5h or 5d"),
        ("keepFor", "7", "write 7s, 7m, 7h or 7d"),
        ("maxWait", 0, "write it like '30m'"),
        ("ephemeralStorage", 20, "write 20Mi, 20Gi or 20Ti"),
        ("submit", 5, "set submit to one of anyone, controller"),
    ],
)
def test_a_number_without_its_unit_is_told_the_units(field: str, value: Any, fix: str) -> None:
    spec = a_project(cluster={"namespace": "vision", field: value})
    (problem,) = load(yaml_of(spec), "f.yaml").problems
    assert problem.fix == fix


@pytest.mark.parametrize("duration", ["3651d", "87601h", "36500d", "999999d"])
@pytest.mark.parametrize("spec", [full_experiment(), full_project()])
def test_a_time_beyond_ten_years_is_refused_with_the_longest(
    spec: dict[str, Any], duration: str
) -> None:
    seen = 0
    for path in (path for path in list_fields(spec["spec"]) if path):
        # Whatever takes a length of time, and no other text.
        if load_with(spec, path, "2h").problems or not load_with(spec, path, "2x").problems:
            continue
        (problem,) = load_with(spec, path, duration).problems
        assert problem.path == ".".join(("spec", *path))
        assert problem.message == f"must be at most 3650d, got '{duration}'"
        assert problem.fix == "write 3650d"
        rest = [one.message for one in load_with(spec, path, "3650d").problems]
        # Token services have a limit of their own, which is the next thing told.
        assert rest == [] or (path[-2] == "runsRole" and "token services" in rest[0])
        seen += 1
    assert seen == (1 if spec["kind"] == "Experiment" else 6)


@pytest.mark.parametrize("spec", [full_experiment(), full_dataset(), full_project()])
def test_a_field_left_empty_is_absent_or_says_what_to_do(spec: dict[str, Any]) -> None:
    paths = [path for path in list_fields(spec["spec"]) if path]
    assert len(paths) > 5
    for path in paths:
        changed = copy.deepcopy(spec)
        place = changed["spec"]
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = None
        where = ".".join(("spec", *path))
        for problem in load(yaml_of(changed), "f.yaml").problems:
            # A rule between fields may take it for absent, and say what is missing then.
            if problem.path == where and "null" in problem.message:
                assert problem.fix.startswith(f"write a value after '{path[-1]}:'"), where


def test_what_is_required_is_not_told_to_be_removed() -> None:
    (problem,) = loaded_experiment(**{"training.epochs": None}).problems
    assert problem.fix == "write a value after 'epochs:'"
    (problem,) = loaded_experiment(**{"training.batchSize": None}).problems
    assert problem.fix == "write a value after 'batchSize:', or remove the line"


@pytest.mark.parametrize("path", ["data", "data/a b", "a/..b/c..", "./data"])
def test_a_path_below_the_root_is_taken(path: str) -> None:
    assert loaded_dataset(**{"source.dvc": {"path": path}}).problems == ()


def test_null_is_taken_where_a_field_may_be_left_out() -> None:
    changes = {"framework": None, "training.ema": None, "dataset.classes": None}
    assert loaded_experiment(**changes).problems == ()


def test_a_whole_number_may_be_written_with_a_point() -> None:
    loaded = loaded_experiment(**{"training.epochs": 5.0})
    assert isinstance(loaded.model, Experiment)
    assert loaded.model.spec.training.epochs == 5


def test_python_names_are_not_read_from_a_file_but_build_a_model() -> None:
    data = an_experiment(api_version="vtspec.dev/v1alpha1", apiVersion=ABSENT)
    assert Experiment.model_validate(data).kind == "Experiment"
    assert load(yaml_of(an_experiment(api_version="x")), "f").problems


def test_a_file_is_read_under_the_name_that_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(yaml_of(an_experiment(**{"training.epochs": 0})))
    assert load_file(file, "a.yaml").problems[0].file == "a.yaml"
    assert load_file(file).file == str(file)


def test_a_missing_file_is_a_problem_with_a_near_name(tmp_path: Path) -> None:
    (tmp_path / "cars.yaml").touch()
    (problem,) = load_file(tmp_path / "carz.yaml").problems
    assert problem.message == "there is no such file"
    assert problem.fix == f"did you mean '{tmp_path / 'cars.yaml'}'?"
    assert load_file("/nowhere/at/all.yaml").problems[0].fix.startswith("there is no folder")
    assert load_file("a\0b").problems[0].message.startswith("cannot be read: ")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (problem,) = load_file(tmp_path / "pipe.yaml").problems
    assert problem.message == "is not a regular file"
    assert "vtspec validate -" in problem.fix
    assert load_file(tmp_path).problems[0].fix == "name the files in it"


def test_a_huge_file_is_refused_without_being_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    with file.open("wb") as stream:
        stream.truncate(2**33)
    assert load_file(file).problems[0].message == "a spec may have at most 256 KiB"


def test_a_spec_error_shows_all_its_problems() -> None:
    problems = loaded_experiment(**{"training.epochs": 0, "training.seed": -1}).problems
    error = SpecError(problems)
    assert error.problems == problems
    assert str(error) == "\n".join(map(str, problems))


@pytest.mark.parametrize("spec", [an_experiment(), a_dataset(), a_project()])
def test_what_is_dumped_is_loaded_as_it_was(spec: dict[str, Any]) -> None:
    model = load(yaml_of(spec), "f").model
    assert isinstance(model, Part)
    assert load(dump(model), "g").model == model
    assert dump(model).split("\n")[0] == "apiVersion: vtspec.dev/v1alpha1"


def test_a_dump_leaves_defaults_out_and_points_editors_to_the_schema() -> None:
    model = loaded_experiment(
        **{"training.seed": 42, "resources": {"gpus": 0}, "dataset.classes": ["0", "no", "a b"]}
    ).model
    assert isinstance(model, Experiment)
    assert dump(model, schemas="../../schema/v1alpha1") == (
        "# yaml-language-server: $schema=../../schema/v1alpha1/experiment.schema.json\n"
        "apiVersion: vtspec.dev/v1alpha1\n"
        "kind: Experiment\n"
        "metadata:\n"
        "  name: digits-resnet18\n"
        "spec:\n"
        "  task: image-classification\n"
        "  framework: timm\n"
        "  model:\n"
        "    name: resnet18\n"
        "  dataset:\n"
        "    ref: digits\n"
        '    classes: ["0", "no", a b]\n'
        "  training:\n"
        "    epochs: 5\n"
        "    batchSize: 64\n"
        "    imageSize: 32\n"
        "  report:\n"
        "    gates: [accuracy >= 0.95]\n"
    )


def test_a_long_list_gets_a_line_for_each_item() -> None:
    classes = [f"class-{n:04d}" for n in range(30)]
    model = loaded_dataset(classes=classes).model
    assert isinstance(model, Part)
    assert "  classes:\n    - class-0000\n    - class-0001\n" in dump(model)
    assert load(dump(model), "f").model == model


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp", "Co"]))
texts = texts.filter(lambda text: not UNPRINTABLE.search(text))


@given(
    classes=st.lists(
        texts.filter(lambda name: 0 < len(name) <= 100 and "{{" not in name),
        unique=True,
        min_size=1,
    ),
    notes=st.dictionaries(
        st.from_regex(r"[a-z][a-z0-9.-]{0,10}[a-z]", fullmatch=True),
        texts.filter(lambda note: "{{" not in note),
    ),
    rate=st.floats(1e-12, 100),
    params=st.dictionaries(
        st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True),
        st.none()
        | st.booleans()
        | st.integers(-(10**30), 10**30)
        | st.floats(-1e300, 1e300)
        | texts.filter(lambda note: len(note) <= 400),
    ),
)
def test_any_model_survives_being_dumped_and_loaded(
    classes: list[str], notes: dict[str, str], rate: float, params: dict[str, Any]
) -> None:
    data = an_experiment(
        **{
            "metadata.annotations": notes,
            "dataset.classes": classes,
            "training.learningRate": rate,
            "params": params,
        }
    )
    model = Experiment.model_validate(data)
    loaded = load(dump(model), "f")
    assert loaded.problems == ()
    assert loaded.model == model


@given(texts)
def test_a_bare_word_in_a_dump_is_text_to_readers_of_yaml_1_1_too(text: str) -> None:
    import yaml

    model = Experiment.model_validate(an_experiment(params={"note": text[:400]}))
    assert yaml.safe_load(dump(model)) == parse_document(dump(model), "f").data
