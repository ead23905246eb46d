"""The models by themselves: strict, frozen, and true to their rules also without a file."""

import re
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

import vtspec.schema
from builders import a_dataset, a_project, an_experiment
from vtspec.adapters.suggestions import suggest_fix as suggest_adapter_fix
from vtspec.schema.json_schema.field_docs import get_all_fields
from vtspec.schema.kinds.dataset import Dataset
from vtspec.schema.kinds.experiment import Experiment, Training
from vtspec.schema.kinds.patterns import (
    FORMS,
    LONGEST_DURATION,
    TOO_LONG,
    parse_duration,
    parse_memory,
)
from vtspec.schema.kinds.project import Project
from vtspec.schema.kinds.tasks import FORMAT_NEEDS, FORMATS, FORMATS_OF_TASK, TASKS
from vtspec.schema.suggestions import find_nearest, format_choices, suggest_fix


def test_models_are_frozen() -> None:
    experiment = Experiment.model_validate(an_experiment())
    with pytest.raises(ValidationError, match="frozen"):
        experiment.spec.training.epochs = 7


def test_what_a_spec_leaves_out_has_its_default() -> None:
    training = Training(epochs=3)
    assert (training.batch_size, training.learning_rate) == (32, 1e-3)
    assert (training.optimizer, training.seed, training.ema) == ("adamw", 42, None)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"training.epochs": True}, "valid integer"),
        ({"training.epochs": "5"}, "valid integer"),
        ({"training.learningRate": float("inf")}, "finite number"),
        ({"training.learningRate": float("nan")}, "finite number"),
        ({"training.surprise": 1}, "not permitted"),
        ({"resources.gpuType": "t4"}, "resources.gpuType needs 'gpus' of at least 1"),
        ({"training.warmupEpochs": 9}, "warmupEpochs must be less than epochs"),
    ],
)
def test_a_model_that_breaks_a_rule_cannot_be_made(value: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Experiment.model_validate(an_experiment(**value))


def test_a_dataset_that_breaks_a_rule_cannot_be_made() -> None:
    with pytest.raises(ValidationError, match="needs class names"):
        Dataset.model_validate(a_dataset(classes=[]))


def test_a_project_describes_gpus() -> None:
    project = Project.model_validate(a_project())
    assert parse_memory(project.spec.gpu_types["a100"].memory) == 80 * 2**30
    assert not project.spec.gpu_types["t4"].bf16


def test_what_is_too_long_is_what_is_longer_than_the_longest() -> None:
    longest = parse_duration(LONGEST_DURATION)
    for number in range(1, 1_000_000):
        if 4_000 < number < 87_000 or 88_700 < number < 999_900:
            continue
        for unit in "smhd":
            text = f"{number}{unit}"
            assert bool(re.search(TOO_LONG, text)) == (parse_duration(text) > longest), text


def test_sizes_and_durations_have_units() -> None:
    assert [parse_memory(size) for size in ("512Mi", "4Gi", "1Ti")] == [2**29, 2**32, 2**40]
    assert [parse_duration(time) for time in ("90s", "30m", "12h", "2d")] == [
        90,
        1800,
        43200,
        172800,
    ]


def test_every_form_fits_its_own_example() -> None:
    import re

    assert len(FORMS) > 15
    assert [form for form in FORMS.values() if not re.search(form.pattern, form.example)] == []


def test_every_field_is_described_and_every_required_one_has_an_example() -> None:
    fields = get_all_fields()
    assert len(fields) > 100
    assert [
        field.name for field in fields if not field.description and "*" not in field.path
    ] == []
    assert [field.name for field in fields if field.required and not field.examples] == []


def test_every_task_has_formats_and_every_format_a_task() -> None:
    assert tuple(FORMATS_OF_TASK) == TASKS
    assert {name for formats in FORMATS_OF_TASK.values() for name in formats} == set(FORMATS)
    assert set(FORMAT_NEEDS) < set(FORMATS)


def test_the_names_of_the_package_are_those_of_its_modules() -> None:
    for name in vtspec.schema.__all__:
        assert getattr(vtspec.schema, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'surprise'"):
        _ = vtspec.schema.surprise


def test_problems_cost_no_pydantic() -> None:
    code = "import sys, vtspec.schema.problem; print({'pydantic', 'yaml'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("batch_size", ["batchSize", "epochs"], "batchSize"),
        ("BATCHSIZE", ["batchSize"], "batchSize"),
        ("epoch", ["batchSize", "epochs"], "epochs"),
        ("zebra", ["batchSize", "epochs"], None),
        ("", ["a"], None),
        (5, ["a"], None),
        ("x" * 100, ["x" * 99], None),
        ("class0777", [f"class0{n:03d}" for n in range(1000)], "class0777"),
        ("clas0777", [f"class0{n:03d}" for n in range(150)], "class0077"),
    ],
)
def test_the_nearest_word_is_found(word: Any, known: list[str], expected: str | None) -> None:
    assert find_nearest(word, known) == expected


def test_a_fix_lists_the_words_there_are_where_none_is_near() -> None:
    assert suggest_fix("zebra", ["a", "b"]) == "use one of: a, b"
    assert suggest_fix("zebra", ["a"]) == "use 'a'"
    assert suggest_fix("zebra", []) == "remove it"
    assert suggest_fix("zebra", ["a"], "do this") == "do this"
    assert (
        format_choices(str(n) for n in range(20)) == "one of: 0, 1, 2, 3, 4, 5, 6, 7, … (12 more)"
    )


@pytest.mark.parametrize("word", ["TIMM", "DROP_RATE", "drop rate", "droprate", "tmm", "zebra"])
def test_both_sides_mean_the_same_name(word: str) -> None:
    known = ["timm", "toy", "dropRate", "dropPathRate"]
    assert suggest_adapter_fix(word, known, "none") == suggest_fix(word, known, "none")
