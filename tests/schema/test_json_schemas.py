"""The JSON Schemas say what the models say: by the meta-schema, by drift, by mutated specs."""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from builders import full_dataset, full_experiment, full_project
from vtspec.schema.__main__ import find_stale_files, generate_files, main
from vtspec.schema.explain import explain, match_fields, suggest_name
from vtspec.schema.json_schema.fast_check import compile_schema, find_property, load_validator
from vtspec.schema.json_schema.generate import build_schema
from vtspec.schema.kinds.index import KINDS, get_model_class
from vtspec.schema.kinds.rules import DECIDED, iter_violations
from vtspec.schema.load import load
from vtspec.schema.spec_reference import EXAMPLES

ROOT = Path(__file__).parents[2]

ONLY_RULES = (
    # JSON Schema cannot compare two values of a document.
    "must be less than learningRate",
    "must be less than epochs",
    "is no class of spec.",
    "lacks '",
    "an experiment cannot be its own baseline",
    "is the same data as",
    "whose data it then is",
    "is the whole repository",
    "which is not ours",
    "lies in the folder of the specs",
    "its bound is too large for a number",
    "is no queue of spec.cluster.semaphores",
    "is in team ",
    "is no team of spec.teams",
    "has no logins, by which a forge knows",
    "needs prices.cpuPerHour",
    "is no schedule: ",
    "there is no time zone",
)
"""What the models refuse and a schema cannot say: the list in `conditions`, by their messages."""


def _ecma_pattern(
    _validator: Any, pattern: str, instance: Any, _schema: Any
) -> Iterator[jsonschema.ValidationError]:
    # JSON Schema's patterns are ECMA's, where $ is the very end. Python's also lets a line break
    # follow, and jsonschema uses Python's.
    if isinstance(instance, str) and not re.search(pattern.replace("$", r"\Z"), instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


Validator: Any = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator, {"pattern": _ecma_pattern}
)

VALIDATORS = {kind: Validator(build_schema(kind)) for kind in KINDS}


FULL = {"Experiment": full_experiment(), "Dataset": full_dataset(), "Project": full_project()}


def verdicts(kind: str, data: Any) -> set[bool]:
    """Whether the schema takes a spec, whether the models do, and whether its shape fits."""
    try:
        get_model_class(kind).model_validate(data, by_alias=True, by_name=False, context=DECIDED)
    except ValidationError:
        models = False
    else:
        broken = [one.message for one in iter_violations(kind, data)]
        models = all(any(word in one for word in ONLY_RULES) for one in broken)
    schema = VALIDATORS[kind].is_valid(data)
    # A shape may say no to more, and then the models are asked; never yes to more.
    return {schema, models, load_validator(kind)(data) or schema}


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_valid_by_the_meta_schema(kind: str) -> None:
    jsonschema.Draft202012Validator.check_schema(build_schema(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_has_no_keyword_that_readers_pass_over(kind: str) -> None:
    known = set(jsonschema.Draft202012Validator.VALIDATORS)
    notes = {"$schema", "$id", "$defs", "title", "description", "default", "examples", "x-unit"}
    assert keywords(build_schema(kind)) <= known | notes | {"then"}


def keywords(node: Any, *, names: bool = False) -> set[str]:
    """The keywords of a schema, without the names of its fields."""
    if isinstance(node, list):
        return {key for item in node for key in keywords(item)}
    if not isinstance(node, dict):
        return set()
    found = set() if names else set(node)
    for key, value in node.items():
        if names or key not in ("default", "examples", "enum", "const"):
            found |= keywords(value, names=not names and key in ("properties", "$defs"))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_sound_spec_has_its_shape_without_asking_pydantic(kind: str) -> None:
    assert load_validator(kind)(FULL[kind])
    assert load_validator(kind)(json.loads(json.dumps(FULL[kind])))


@pytest.mark.parametrize(
    "schema", [{"format": "email"}, {"enum": [1, 2]}, {"items": {"dependentRequired": {}}}]
)
def test_a_schema_that_a_shape_cannot_hold_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="cannot be compiled"):
        compile_schema(schema)


def test_what_has_no_schema_installed_has_no_shape() -> None:
    assert not load_validator("Surprise")({})


def test_what_is_committed_is_what_the_models_make() -> None:
    assert find_stale_files(ROOT) == []
    assert len(generate_files()) == 4


def test_writing_and_checking_the_generated_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check"], tmp_path) == 1
    assert "docs/spec.md: differs from the models" in capsys.readouterr().err
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    assert main(["--surprise"], tmp_path) == 2


@pytest.mark.parametrize("kind", EXAMPLES)
def test_the_examples_of_the_reference_are_sound(kind: str) -> None:
    assert load(EXAMPLES[kind], "f").problems == ()


@pytest.mark.parametrize("kind", KINDS)
def test_a_spec_with_every_field_is_taken_by_both(kind: str) -> None:
    assert load(json.dumps(FULL[kind]), "f").problems == ()
    assert VALIDATORS[kind].is_valid(FULL[kind])


ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    5.0,
    0.5,
    1e9,
    -0.5,
    "",
    "a",
    "A b",
    "a\n",
    "x" * 5000,
    "{{x}}",
    "../x",
    "/x",
    "a\\b",
    "5",
    "4Gi",
    "30m",
    "balanced",
    "backbone",
    "run:a",
    "accuracy >= 1",
    "accuracy >= ",
    "ocr",
    "pairs",
    "csv",
    "image-classification",
    "none",
    [],
    [1],
    ["a", "a"],
    ["a", "b"],
    [1, 1, 1],
    ["safetensors"],
    ["ocr"],
    ["accuracy > 1"],
    {},
    {"a": 1},
    {"a": "b"},
    {"A{{": 0.5},
    {"path": "x"},
    {"decay": 0.5},
)


def places(data: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every path in plain data."""
    found = [path]
    items = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    for key, value in items:
        found += places(value, (*path, key))
    return found


def changed(data: Any, path: tuple[str | int, ...], change: Any) -> Any:
    """The data with the value at `path` changed: taken out where `change` is `...`."""
    if not path:
        return data if change is ... else change
    data = copy.deepcopy(data)
    place = data
    for key in path[:-1]:
        place = place[key]
    if change is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = change
    return data


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_schema_and_models_agree_on_every_single_change(kind: str) -> None:
    apart = []
    count = 0
    for path in places(FULL[kind])[1:]:
        for value in (..., *ODD_VALUES):
            data = changed(FULL[kind], path, value)
            # The kind decides which schema is meant.
            if data.get("kind") != kind:
                continue
            count += 1
            if len(verdicts(kind, data)) > 1:
                apart.append((path, value))
    assert apart == []
    assert count > 500


mutations = st.lists(
    st.tuples(st.integers(0, 10_000), st.sampled_from([..., "new", *ODD_VALUES])), max_size=4
)


@settings(max_examples=300, deadline=None)
@given(kind=st.sampled_from(sorted(KINDS)), steps=mutations)
def test_schema_and_models_agree_on_mutated_specs(kind: str, steps: list[tuple[int, Any]]) -> None:
    data: Any = FULL[kind]
    for number, change in steps:
        paths = [path for path in places(data)[1:] if path != ("kind",)]
        if not paths:
            break
        path = paths[number % len(paths)]
        if change == "new" and isinstance(path[-1], str):
            path, change = (*path[:-1], "surprise"), 1
        data = changed(data, path, change)
    assert len(verdicts(kind, data)) == 1


@pytest.mark.parametrize(
    ("asked", "begins"),
    [
        ("training.batchSize", "Experiment spec.training.batchSize\n"),
        ("spec.training.batchSize", "Experiment spec.training.batchSize\n"),
        ("experiment.training.batchSize", "Experiment spec.training.batchSize\n"),
        ("dataset.splits", "Dataset spec.splits\n"),
        ("gpuType", "Experiment spec.resources.gpuType\n"),
        ("Dataset", "Dataset: A dataset that experiments refer to by name.\n"),
        ("spec.dataset.classes", "Experiment spec.dataset.classes\n"),
    ],
)
def test_a_field_is_explained_by_its_path_or_its_end(asked: str, begins: str) -> None:
    text = explain(asked)
    assert text is not None
    assert text.startswith(begins)


def test_an_explanation_has_type_range_unit_default_and_example() -> None:
    assert explain("training.imageSize") == (
        "Experiment spec.training.imageSize\n\n"
        "  Side of the square input in pixels, or [height, width]; the model's own default if "
        "left out.\n\n"
        "  must be:  a whole number from 1 to 8192 or a list of 2, each a whole number from 1 to "
        "8192, in pixels\n"
        "  default:  left out\n"
        "  example:  imageSize: 224"
    )
    assert "default:  0.001" in str(explain("learningRate"))
    assert "default:  none: it is required" in str(explain("training.epochs"))


def test_a_field_of_several_kinds_is_explained_for_each() -> None:
    assert [field.kind for field in match_fields("metadata.name")] == [
        "Dataset",
        "Experiment",
        "Project",
    ]


def test_what_is_no_field_is_not_explained_but_guessed() -> None:
    assert explain("training.batchSiz") is None
    assert explain("") is None
    assert suggest_name("training.batchSiz") == "training.batchSize"
    assert suggest_name("x.y.epoch") == "epochs"
    assert suggest_name("zzzzzz") is None


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("training.epochs", {"type": "integer", "minimum": 1, "examples": [50]}),
        ("training.imageSize", {"type": "integer", "maximum": 8192}),
        ("training.gradientClipping", {"type": "number", "exclusiveMinimum": 0}),
        ("training.ema.decay", {"default": 0.9998}),
        ("resources.memory", {"type": "string", "default": "8Gi"}),
    ],
)
def test_a_property_is_found_behind_references_and_null(
    path: str, wanted: dict[str, object]
) -> None:
    found = find_property("Experiment", f"spec.{path}")
    assert wanted.items() <= found.items()


def test_a_property_that_no_kind_has_is_not_found() -> None:
    with pytest.raises(KeyError, match="epoch"):
        find_property("Experiment", "spec.training.epoch")
