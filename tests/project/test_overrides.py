"""`--set PATH=VALUE`: typed as in a file, checked as a file, blamed on the option."""

import json
from typing import Any

import pytest

from plan_inputs import an_experiment_dict
from vtspec.pipelines.project.overrides import apply_overrides, parse_override, parse_overrides
from vtspec.schema.kinds.experiment import Experiment
from vtspec.schema.load import LoadedSpec, load
from vtspec.schema.problem import SpecError


def loaded(**spec: Any) -> LoadedSpec:
    found = load(json.dumps(an_experiment_dict(**spec)), "cats.yaml")
    assert found.problems == ()
    return found


def experiment(*sets: str, **spec: Any) -> Experiment:
    model = apply_overrides(loaded(**spec), parse_overrides(sets)).model
    assert isinstance(model, Experiment)
    return model


def refused(*sets: str) -> list[tuple[str, str]]:
    with pytest.raises(SpecError) as caught:
        experiment(*sets)
    return [(problem.file, problem.message) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("words", "path", "value"),
    [
        ("training.epochs=1", "spec.training.epochs", 1),
        ("spec.training.epochs=1", "spec.training.epochs", 1),
        ("metadata.name=x", "metadata.name", "x"),
        ("training.learningRate=1e-3", "spec.training.learningRate", 0.001),
        ("model.name=no", "spec.model.name", "no"),
        ("model.pretrained=true", "spec.model.pretrained", True),
        ("training.imageSize=[32, 64]", "spec.training.imageSize", [32, 64]),
        ("training.ema={decay: 0.9}", "spec.training.ema", {"decay": 0.9}),
        ("training.ema=null", "spec.training.ema", None),
        ("training.ema=", "spec.training.ema", None),
        ("report.gates=['accuracy >= 0.9']", "spec.report.gates", ["accuracy >= 0.9"]),
        ("tracking.experiment=a=b", "spec.tracking.experiment", "a=b"),
        ("description=see issue #12", "spec.description", "see issue #12"),
        ("description=#x", "spec.description", "#x"),
        ("description=a#b", "spec.description", "a#b"),
        ("description='see #12'", "spec.description", "see #12"),
        ("dataset.classes=[a, b #2]", "spec.dataset.classes", ["a", "b #2"]),
        ("training.classWeights={#1: 2}", "spec.training.classWeights", {"#1": 2}),
        ("description=--- x", "spec.description", "--- x"),
        ("description=...", "spec.description", "..."),
    ],
)
def test_values_are_typed_as_yaml_types_them(words: str, path: str, value: Any) -> None:
    found = parse_override(words)
    assert (found.path, found.value) == (path, value)
    assert type(found.value) is type(value)


def test_a_number_with_a_comment_is_refused_and_not_cut() -> None:
    ((file, message),) = refused("training.epochs=3 # three")
    assert file == "--set training.epochs=3 # three"
    assert message.endswith("got '3 # three'")


def test_a_value_that_is_no_yaml_is_told_as_it_was_typed() -> None:
    ((_, message),) = refused("description={a: [#}")
    assert "\ue000" not in message


def test_a_set_value_takes_the_place_of_the_files() -> None:
    assert experiment("training.epochs=1").spec.training.epochs == 1
    assert experiment().spec.training.epochs == 5


def test_sections_that_the_file_lacks_are_made() -> None:
    assert experiment("tracking.registerAs=cats").spec.tracking.register_as == "cats"
    made = experiment("training.ema.decay=0.9", training={"epochs": 1, "ema": None})
    assert made.spec.training.ema is not None and made.spec.training.ema.decay == 0.9


def test_what_a_set_value_breaks_names_the_option() -> None:
    ((file, message),) = refused("training.epochs=0")
    assert file == "--set training.epochs=0"
    assert "0" in message


def test_all_options_are_judged_at_once() -> None:
    found = refused("training.epochs=0", "training.batchSize=word", "training.seed=1")
    assert [file for file, _ in found] == [
        "--set training.epochs=0",
        "--set training.batchSize=word",
    ]


def test_an_unknown_field_is_met_with_the_one_that_was_meant() -> None:
    with pytest.raises(SpecError) as caught:
        experiment("training.epoch=1")
    (problem,) = caught.value.problems
    assert problem.file == "--set training.epoch=1"
    assert "epochs" in problem.fix


def test_a_rule_between_fields_that_one_option_breaks_names_it() -> None:
    ((file, message),) = refused("resources.gpuType=t4")
    assert file == "--set resources.gpuType=t4"
    assert "gpus" in message
    ((file, _),) = refused("report.baseline=digits-resnet18")
    assert file == "--set report.baseline=digits-resnet18"


@pytest.mark.parametrize("words", ["training.epochs", "=1", "a..b=1", ".a=1", "", "a.=1"])
def test_what_is_not_path_and_value_is_refused(words: str) -> None:
    assert refused(words) == [(f"--set {words}", "is not PATH=VALUE")]


def test_yaml_that_a_file_may_not_hold_is_refused_here_too() -> None:
    for words in ("training.ema=&a 1", "training.ema=*a", "training.ema=!!int 3", "model.name=["):
        ((file, _),) = refused(words)
        assert file == f"--set {words}"


def test_a_value_has_no_fields_below_it() -> None:
    ((file, message),) = refused("training.epochs.more=1")
    assert file == "--set training.epochs.more=1"
    assert message == "'spec.training.epochs' holds a value, not fields"


def test_bad_options_are_all_told_before_any_is_applied() -> None:
    assert [file for file, _ in refused("training.epochs", "x", "model.name=[")] == [
        "--set training.epochs",
        "--set x",
        "--set model.name=[",
    ]


def test_nothing_set_is_the_file_itself() -> None:
    found = loaded()
    assert apply_overrides(found, ()) is found


@pytest.mark.parametrize(
    ("sets", "lost"),
    [
        (("training.epochs=5", "training.epochs=7"), "--set training.epochs=5"),
        (("training.epochs=5", "spec.training.epochs=7"), "--set training.epochs=5"),
        (("training.ema.decay=0.9", "training.ema=null"), "--set training.ema.decay=0.9"),
        (
            ("training.ema={decay: 0.9}", "training.ema.decay=0.5"),
            "--set 'training.ema={decay: 0.9}'",
        ),
    ],
)
def test_no_override_takes_the_place_of_another(sets: tuple[str, str], lost: str) -> None:
    assert refused(*sets) == [(f"--set {sets[1]}", f"takes the place of {lost}")]


@pytest.mark.parametrize(
    "sets",
    [
        ("training.epochs=5", "spec.training.epochs=5"),
        ("training.ema={warmup: true}", "training.ema.decay=0.5"),
        ("training.epochs=5", "training.seed=1"),
    ],
)
def test_overrides_that_all_have_their_effect_stand_together(sets: tuple[str, str]) -> None:
    assert isinstance(experiment(*sets), Experiment)
