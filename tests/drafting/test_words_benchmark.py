"""The words benchmark is sound, and its scorer tells right from wrong."""

import copy
import importlib
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, get_origin

import pytest
from pydantic import BaseModel

from vtspec.pipelines.catalog import load_frameworks
from vtspec.pipelines.drafting.checks import filter_errors, find_problems
from vtspec.pipelines.drafting.conversation import get_state, make_user_message
from vtspec.pipelines.drafting.result import Assumption, Draft, Message, Question
from vtspec.pipelines.project.repository import Repository, find_repository
from vtspec.pipelines.validation import check_specs
from vtspec.schema.kinds.dataset import Dataset
from vtspec.schema.kinds.experiment import Experiment
from vtspec.schema.kinds.tasks import FORMAT_NEEDS, TASKS
from vtspec.schema.load import load

WORDS = Path(__file__).parents[2] / "benchmarks" / "words"

# Scripts beside each other and no package: they are found as `score.py` finds them.
sys.path.append(str(WORDS))
request = importlib.import_module("request")
effective = importlib.import_module("effective")
figures = importlib.import_module("figures")
drafters = importlib.import_module("drafters")
keywords = importlib.import_module("keywords")
one_shot = importlib.import_module("one_shot")
repositories = importlib.import_module("repositories")
score = importlib.import_module("score")

HALVES = ("train", "test")

FILES = {"train": 500, "test": 300, "fresh": 120, "cases": 150}
"""Every file of requests, and how many it has at least."""

MODEL_OF_TASK = {
    "image-classification": "resnet50",
    "object-detection": "yolo11n",
    "instance-segmentation": "yolo11n-seg",
    "pose-estimation": "yolo11n-pose",
    "super-resolution": "caidas/swin2SR-classical-sr-x2-64",
    "depth-estimation": "Intel/dpt-large",
    "ocr": "microsoft/trocr-base-handwritten",
    "image-captioning": "microsoft/git-base",
    "visual-question-answering": "dandelin/vilt-b32-finetuned-vqa",
    "text-generation": "openai-community/gpt2",
}
"""A model for each request that leaves it open."""


@cache
def world() -> Repository:
    return find_repository(request.WORLD)


@cache
def half(name: str) -> Sequence[Any]:
    found = request.half_of(name)
    assert len(found) >= FILES[name]
    return tuple(found)


def everything() -> list[Any]:
    return [each for name in FILES for each in half(name)]


def asking_fields() -> list[Any]:
    return [each for each in everything() if each.expects == "fields"]


def values(expected: Any) -> list[Any]:
    """All right values of a field."""
    if isinstance(expected, dict) and expected.keys() == {"any"}:
        return list(expected["any"])
    return [expected]


def put(data: dict[str, Any], path: str, value: Any) -> None:
    *front, last = path.split(".")
    for key in front:
        if not isinstance(data.get(key), dict):
            data[key] = {}
        data = data[key]
    if value is None:
        data.pop(last, None)
    else:
        data[last] = value


def before(one: Any) -> dict[str, Any]:
    """What the words of a request are a change to."""
    if one.fields.get("kind") == "Dataset":
        tasks = one.fields["spec.tasks"]
        form = one.fields.get("spec.format", "imagefolder")
        need = FORMAT_NEEDS.get(form)
        beside = {need: f"{need}/"} if need else {}
        splits = {name: {"path": name, **beside} for name in ("train", "val")}
        spec: dict[str, Any] = {"tasks": tasks, "format": form, "splits": splits}
        found: Mapping[str, Any] = {"spec": spec}
    elif one.base is not None:
        found = world().sound_experiments[one.base]
    else:
        found = get_state(one.conversation).draft or {}
    kind = one.fields.get("kind", "Experiment")
    draft = {"apiVersion": "vtspec.dev/v1alpha1", **copy.deepcopy(dict(found)), "kind": kind}
    return {**draft, "metadata": {"name": "made-by-a-test"}}


def perfect_draft(one: Any, choice: int = 0) -> dict[str, Any]:
    """A draft that has every expected field; of several right values the one numbered `choice`."""
    draft = before(one)
    for path, expected in one.fields.items():
        right = values(expected)
        put(draft, path, right[choice % len(right)])
    for path in one.absent:
        put(draft, path, None)
    if draft["kind"] == "Experiment" and "spec.model.name" not in one.fields:
        put(draft, "spec.model.name", MODEL_OF_TASK[one.task])
    return draft


def left_out(*texts: str) -> tuple[Assumption, ...]:
    return tuple(Assumption(field="", value=each, why="not understood") for each in texts)


def perfect(one: Any) -> Draft:
    match one.expects:
        case "fields":
            told = left_out(*one.told.get("", ())[:1])
            return Draft(status="complete", data=perfect_draft(one), assumptions=told)
        case "question":
            asked = Question(field=one.question[0], text="?", choices=one.choices)
            return Draft(status="question", data=None, question=asked)
    return Draft(status="refused", reason="no")


class Planted:
    """A drafter that answers what it was given for a conversation."""

    def __init__(self, answers: Sequence[tuple[Any, Draft]]) -> None:
        self._answers = {id(one.conversation): sketch for one, sketch in answers}

    def make_draft(self, conversation: Sequence[Message], _: Repository) -> Draft:
        return self._answers[id(conversation)]


def judged(one: Any, sketch: Draft) -> Any:
    (found,) = score.score([one], Planted([(one, sketch)]), world())
    return found


def a_request(**changes: Any) -> Any:
    row = {
        "id": "en-001",
        "language": "en",
        "task": "image-classification",
        "kinds": [],
        "conversation": [{"author": "person", "text": "resnet18 on cats, 5 epochs"}],
        "fields": {
            "spec.task": "image-classification",
            "spec.dataset.ref": "cats",
            "spec.model.name": "resnet18",
            "spec.training.epochs": 5,
        },
        **changes,
    }
    kept = {key: value for key, value in row.items() if value is not None}
    return request._request(json.dumps(kept), "here:1")


# The files


def test_the_specs_of_the_world_have_no_problem() -> None:
    workspace = find_repository(request.WORLD)
    paths = sorted(request.WORLD.rglob("*.yaml"))
    assert len(paths) == 22
    specs = [load(path.read_bytes(), str(path)) for path in paths]
    assert [each.problems for each in specs] == [()] * len(specs)
    found = check_specs(specs, workspace)
    # What no adapter or machine here trains is drafted and planned all the same.
    assert {(one.severity, one.file.split("/")[-1]) for one in found} == {
        ("warning", "street-yolo11n.yaml"),
    }, found


def test_there_are_enough_requests_and_none_twice() -> None:
    assert len(everything()) >= 340
    for name in FILES:
        assert Counter(each.id for each in half(name)).most_common(1)[0][1] == 1
    by_words: dict[str, list[str]] = {}
    for name in FILES:
        for each in half(name):
            words = " / ".join(each.texts[-1].lower().split()) + str(len(each.texts))
            by_words.setdefault(words, []).append(f"{name} {each.id}")
    assert [ids for ids in by_words.values() if len(ids) > 1] == []


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_korean_and_english_in_equal_parts(name: str) -> None:
    korean = sum(each.language == "ko" for each in half(name))
    assert 0.45 <= korean / len(half(name)) <= 0.55
    assert all(each.id.startswith(each.language) for each in half(name))
    assert all(_has_hangul(each) for each in half(name) if each.language == "ko")


def _has_hangul(one: Any) -> bool:
    return any("가" <= letter <= "힣" for text in one.texts for letter in text)


@pytest.mark.parametrize("name", [*HALVES, "fresh"])
def test_a_file_has_every_task_and_both_kinds_in_both_languages(name: str) -> None:
    for language in ("ko", "en"):
        drafts = [
            each for each in half(name) if each.expects == "fields" and each.language == language
        ]
        assert {each.task for each in drafts} == set(TASKS)
        assert {each.fields.get("kind", "Experiment") for each in drafts} == {
            "Experiment",
            "Dataset",
        }


def test_the_halves_have_the_same_tags_and_expectations_in_like_shares() -> None:
    train, test = (Counter(tag for each in half(name) for tag in each.kinds) for name in HALVES)
    assert train.keys() == test.keys()
    share = {
        tag: train[tag] / len(half("train")) / (test[tag] / len(half("test")))
        for tag in train
        if train[tag] + test[tag] >= 20
    }
    assert {tag: each for tag, each in share.items() if not 1 / 3 <= each <= 3} == {}
    for expected in ("fields", "question", "refusal"):
        shares = [
            sum(each.expects == expected for each in half(name)) / len(half(name))
            for name in HALVES
        ]
        assert abs(shares[0] - shares[1]) < 0.05, expected


def test_what_came_after_the_halves_has_no_other_tags() -> None:
    known = {tag for each in half("train") for tag in each.kinds}
    added = {tag for name in ("fresh", "cases") for each in half(name) for tag in each.kinds}
    assert added - known == set()


def test_each_case_has_siblings() -> None:
    cases = Counter(each.id[3:-1] for each in half("cases"))
    assert len(cases) >= 35
    assert {case for case, count in cases.items() if count < 4} == set()


def test_every_expected_field_exists_in_the_schema() -> None:
    for one in everything():
        model = Dataset if one.fields.get("kind") == "Dataset" else Experiment
        for path in (*one.fields, *one.absent):
            assert _has_field(model, path.split(".")), (one.id, path)


def test_every_question_is_at_a_field_of_the_schema() -> None:
    asked = {path for one in everything() for path in one.question}
    assert len(asked) >= 10
    either = {
        path: any(_has_field(m, path.split(".")) for m in (Experiment, Dataset)) for path in asked
    }
    assert either == dict.fromkeys(asked, True)


def _has_field(model: Any, keys: list[str]) -> bool:
    """Whether a model, or one of the models that an annotation allows, has the field."""
    if not keys:
        return True
    if isinstance(model, type) and issubclass(model, BaseModel):
        for name, field in model.model_fields.items():
            if keys[0] in (name, field.alias):
                return _has_field(field.annotation, keys[1:])
        return False
    # Whatever name stands in `params`; the check of a whole draft says whether it is a setting.
    if get_origin(model) is dict:
        return len(keys) == 1
    return any(_has_field(each, keys) for each in getattr(model, "__args__", ()))


@pytest.mark.parametrize("choice", [0, 1])
def test_what_is_expected_makes_a_draft_without_problems(choice: int) -> None:
    wrong = {}
    for one in asking_fields():
        found = filter_errors(find_problems(perfect_draft(one, choice), world()))
        if found:
            wrong[one.id] = [f"{each.path}: {each.message}" for each in found]
    assert wrong == {}


def test_every_expected_model_is_in_a_catalog_or_a_hub_id() -> None:
    known = {name for each in load_frameworks().values() for name in each.model_names}
    names = [
        name
        for one in asking_fields()
        for name in values(one.fields.get("spec.model.name"))
        if name is not None
    ]
    assert len(names) > 200
    unknown = {name for name in names if name not in known}
    said = " ".join(text for one in everything() for text in one.texts)
    # A hub id that no catalog lists is only expected where somebody typed it in full.
    assert {name for name in unknown if "/" not in name or name not in said} == set()


def test_datasets_classes_and_bases_are_those_of_the_world() -> None:
    for one in asking_fields():
        for name in values(one.fields.get("spec.dataset.ref")):
            assert name is None or name in world().sound_datasets, one.id
        for classes in values(one.fields.get("spec.dataset.classes")):
            held = (
                world().sound_datasets[one.fields["spec.dataset.ref"]].classes if classes else ()
            )
            assert set(classes or ()) <= set(held), one.id
        assert one.base is None or one.base in world().sound_experiments, one.id


def test_the_readme_says_how_many_requests_there_are() -> None:
    for name in FILES:
        count = Counter(each.expects for each in half(name))
        told = (
            f"{name}: {len(half(name))} requests; {count['fields']} expect fields, "
            f"{count['question']} a question, {count['refusal']} a refusal."
        )
        assert told in (WORDS / "README.md").read_text(encoding="utf-8")


def test_a_line_with_two_expectations_or_none_is_refused() -> None:
    with pytest.raises(ValueError, match="here:1: must have one of"):
        a_request(refused=True)
    with pytest.raises(ValueError, match="here:1: must have one of"):
        a_request(fields=None)
    with pytest.raises(ValueError, match=r"\['choices'\] cannot stand beside fields"):
        a_request(choices=["a"])
    with pytest.raises(ValueError, match=r"told has \['spec.training.seed'\], which fields lacks"):
        a_request(told={"spec.training.seed": ["seed"]})


# The scorer


@pytest.mark.parametrize("name", FILES)
def test_a_perfect_drafter_scores_everything(name: str) -> None:
    planted = Planted([(one, perfect(one)) for one in half(name)])
    found = score.score(half(name), planted, world())
    told = figures.figures_of(found)
    assert (told.valid_drafts, told.exact_specs, told.field_accuracy) == (1, 1, 1)
    # No case is one of refusal.
    assert (told.right_questions, told.right_refusals) == (1, None if name == "cases" else 1)
    assert (told.false_questions, told.false_refusals, told.crashed) == (0, 0, 0)
    assert (told.lossy_drafts, told.told_losses) == (0, None)
    assert [each.request.id for each in found if not each.passed] == []


@pytest.mark.parametrize("name", HALVES)
def test_a_drafter_that_refuses_everything_scores_only_refusals(name: str) -> None:
    planted = Planted([(one, Draft(status="refused", reason="no")) for one in half(name)])
    told = figures.figures_of(score.score(half(name), planted, world()))
    assert told.valid_drafts is None
    assert (told.exact_specs, told.field_accuracy, told.right_questions) == (0, 0, 0)
    assert (told.right_refusals, told.false_refusals, told.false_questions) == (1, 1, 0)
    assert (told.lossy_drafts, told.told_losses) == (None, None)


def test_a_wrong_field_costs_its_share_and_the_exact_spec() -> None:
    one = a_request()
    draft = perfect_draft(one)
    draft["spec"]["training"]["epochs"] = 6
    found = judged(one, Draft(status="complete", data=draft))
    assert (found.right, found.expected, found.exact, found.valid) == (3, 4, False, True)
    assert found.wrong == ("spec.training.epochs: expected 5, got 6",)


def test_a_field_that_nobody_asked_for_costs_the_exact_spec_alone() -> None:
    one = a_request()
    draft = perfect_draft(one)
    draft["spec"]["training"]["seed"] = 7
    found = judged(one, Draft(status="complete", data=draft))
    assert (found.right, found.expected, found.exact) == (4, 4, False)
    assert found.wrong == ("spec.training.seed: nobody spoke of it, was 42, got 7",)


def test_a_default_may_be_written_or_left_out() -> None:
    one = a_request()
    draft = perfect_draft(one)
    draft["spec"]["training"]["seed"] = 42
    draft["spec"]["export"] = {"formats": ["safetensors"]}
    assert judged(one, Draft(status="complete", data=draft)).exact
    said = a_request(fields={**one.fields, "spec.training.seed": 42})
    assert judged(said, Draft(status="complete", data=perfect_draft(one))).exact


def test_an_edit_keeps_what_its_base_has() -> None:
    fields = {"spec.training.learningRate": 0.0005}
    one = a_request(fields=fields, base="cats-resnet50")
    assert judged(one, Draft(status="complete", data=perfect_draft(one))).exact
    draft = perfect_draft(one)
    del draft["spec"]["report"]
    found = judged(one, Draft(status="complete", data=draft))
    assert found.wrong == (
        "spec.report.gates: nobody spoke of it, was ['accuracy >= 0.9'], got []",
    )


def test_a_follow_up_keeps_what_the_last_draft_has() -> None:
    draft = {"spec": {"training": {"epochs": 5, "seed": 3}}}
    messages = [
        {"author": "person", "text": "resnet18 on cats"},
        {"author": "vtspec", "text": "drafted", "draft": draft},
        {"author": "person", "text": "5 epochs"},
    ]
    one = a_request(conversation=messages)
    assert judged(one, Draft(status="complete", data=perfect_draft(one))).exact
    assert not judged(one, Draft(status="complete", data=perfect_draft(a_request()))).exact


def test_what_must_be_absent_is_seen() -> None:
    one = a_request(absent=["spec.training.ema"])
    draft = perfect_draft(one)
    draft["spec"]["training"]["ema"] = {}
    found = judged(one, Draft(status="complete", data=draft))
    assert [each.partition(":")[0] for each in found.wrong] == ["spec.training.ema"]
    assert not found.exact


def test_a_draft_with_an_error_is_not_valid() -> None:
    one = a_request()
    draft = perfect_draft(one)
    draft["spec"]["dataset"]["ref"] = "dogs"
    found = judged(one, Draft(status="complete", data=draft))
    assert found.valid is False
    assert "invalid: spec.dataset.ref: there is no dataset 'dogs'" in found.wrong
    assert figures.figures_of([found]).valid_drafts == 0


@pytest.mark.parametrize("data", [None, {}, {"kind": "Experiment", "spec": 5}, {"spec": {"x": 1}}])
def test_any_data_can_be_judged(data: Any) -> None:
    found = judged(a_request(), Draft(status="complete", data=data))
    assert (found.valid, found.right, found.exact) == (False, 0, False)


def test_a_question_counts_at_the_right_field_with_the_choices() -> None:
    one = a_request(fields=None, question=["spec.dataset.ref"], choices=["cats", "digits"])
    right = Question(field="spec.dataset.ref", text="?", choices=("flowers", "digits", "cats"))
    elsewhere = replace(right, field="spec.task")
    fewer = replace(right, choices=("cats",))
    results = [
        judged(one, Draft(status="question", question=asked)).as_asked
        for asked in (right, elsewhere, fewer)
    ]
    assert results == [True, False, False]
    assert not judged(one, Draft(status="refused", reason="no")).as_asked


def test_a_question_instead_of_a_draft_has_all_fields_wrong() -> None:
    one = a_request()
    asked = Question(field="spec.training.epochs", text="How many?")
    found = judged(one, Draft(status="question", data=perfect_draft(one), question=asked))
    assert (found.right, found.expected, found.exact, found.valid) == (0, 4, False, None)
    told = figures.figures_of([found])
    assert (told.false_questions, told.field_accuracy) == (1, 0)


def test_a_drafter_that_raises_gets_it_wrong_and_the_others_count() -> None:
    first, second = a_request(), a_request(id="en-002")
    found = score.score([first, second], Planted([(second, perfect(second))]), world())
    assert [each.status for each in found] == ["crashed", "complete"]
    told = figures.figures_of(found)
    assert (told.crashed, told.exact_specs, told.valid_drafts) == (1, 0.5, 1)
    assert score.report(found, by_tag=False)[-1] == "1 raised an error instead of answering"


def a_draft_with(one: Any, path: str, value: Any, *texts: str) -> Draft:
    """The perfect draft but for one field, and what it says that it did not understand."""
    draft = perfect_draft(one)
    put(draft, path, value)
    return Draft(status="complete", data=draft, assumptions=left_out(*texts))


def test_a_complete_draft_that_is_not_what_was_said_has_lost_it() -> None:
    one = a_request()
    kept = judged(one, perfect(one))
    silent = judged(one, a_draft_with(one, "spec.training.epochs", 6))
    told = judged(one, a_draft_with(one, "spec.training.epochs", 6, "5 epochs"))
    unasked = judged(one, a_draft_with(one, "spec.training.seed", 7))
    asked = judged(one, Draft(status="question", question=Question(field="spec.task", text="?")))
    found = [kept, silent, told, unasked, asked]
    assert [each.lost for each in found] == [False, True, True, True, False]
    assert [each.told for each in found] == [False, False, True, False, False]
    shares = figures.figures_of(found)
    assert (shares.lossy_drafts, shares.told_losses) == (3 / 4, 1 / 3)


def test_words_that_are_left_out_of_a_field_are_told_too() -> None:
    one = a_request()
    sketch = a_draft_with(one, "spec.training.epochs", 6)
    one_more = Assumption(field="spec.training.epochs", value="5 epochs", why="not understood")
    assumed = replace(sketch, assumptions=(one_more,))
    named = replace(sketch, assumptions=(replace(one_more, left_out=True),))
    assert [judged(one, each).told for each in (assumed, named)] == [False, True]


@pytest.mark.parametrize("expected", [{"question": ["spec.dataset.ref"]}, {"refused": True}])
def test_a_complete_draft_instead_of_a_question_or_a_refusal_has_lost_it(expected: Any) -> None:
    one = a_request(fields=None, **expected)
    assert judged(one, Draft(status="complete", data=perfect_draft(a_request()))).lost
    assert not judged(one, perfect(one)).lost


def test_a_field_that_may_be_told_is_right_where_its_words_are_told_or_asked_about() -> None:
    path = "spec.params.mixup"
    plain = a_request()
    one = a_request(fields={**plain.fields, path: 0.2}, told={path: ["Mixup", "0.2"]})

    def asked_at(field: str) -> Draft:
        return Draft(status="question", question=Question(field=field, text="?"))

    right = [perfect(one), a_draft_with(one, path, None, "a mixup of"), asked_at(path)]
    wrong = [
        a_draft_with(one, path, None),
        a_draft_with(one, path, None, "please"),
        a_draft_with(one, "spec.training.epochs", 6, "mixup"),
        asked_at("spec.task"),
    ]
    found = [judged(one, each) for each in right]
    assert [(each.exact, each.lost, each.right) for each in found] == [(True, False, 5)] * 3
    assert figures.figures_of(found).false_questions == 0
    missed = [judged(one, each) for each in wrong]
    assert [(each.exact, each.lost) for each in missed] == [(False, True)] * 3 + [(False, False)]
    assert figures.figures_of(missed).false_questions == 1 / 4
    # Nothing of the kind may be told of a request that does not say so.
    assert not judged(plain, asked_at(path)).exact


def test_words_that_no_field_holds_have_to_be_told_asked_about_or_refused() -> None:
    one = a_request(told={"": ["how long"]})
    asked = Question(field="spec.task", text="?")
    right = [
        replace(perfect(one), assumptions=left_out("And how long?")),
        Draft(status="question", question=asked),
        Draft(status="refused", reason="a draft is no plan"),
    ]
    found = [judged(one, each) for each in right]
    assert [(each.exact, each.lost) for each in found] == [(True, False)] * 3
    assert figures.figures_of(found).false_refusals == 0
    silent = judged(one, replace(perfect(one), assumptions=()))
    assert (silent.exact, silent.lost, silent.right) == (False, True, 4)
    assert silent.wrong == ("must be told as left out: how long",)


@pytest.mark.parametrize(
    ("path", "expected", "got"),
    [
        ("spec.resources.memory", "16Gi", "16384Mi"),
        ("spec.resources.maxDuration", "24h", "1d"),
        ("spec.training.imageSize", 640, [640, 640]),
        ("spec.report.gates", ["accuracy >= 0.9"], ["accuracy>=0.90"]),
        ("spec.export.formats", ["onnx"], ["safetensors", "onnx"]),
        ("spec.training.epochs", 50, 50.0),
        ("spec.training.learningRate", 3e-4, 0.0003 * (1 + 1e-12)),
        ("spec.dataset.ref", {"any": ["cats", "digits"]}, "digits"),
        ("spec.report.baseline", {"any": [None, "x"]}, None),
    ],
)
def test_values_of_one_meaning_are_equal(path: str, expected: Any, got: Any) -> None:
    assert effective.is_right(path, expected, got)


@pytest.mark.parametrize(
    ("path", "expected", "got"),
    [
        ("spec.resources.memory", "16Gi", "16Mi"),
        ("spec.resources.memory", "16Gi", "plenty"),
        ("spec.resources.memory", "16Gi", 16),
        ("spec.resources.maxDuration", "24h", None),
        ("spec.training.imageSize", 640, [640, 320]),
        ("spec.report.gates", ["accuracy >= 0.9"], ["accuracy > 0.9"]),
        ("spec.report.gates", ["accuracy >= 0.9"], ["good"]),
        ("spec.export.formats", ["onnx"], ["safetensors"]),
        ("spec.training.epochs", 1, True),
        ("spec.training.learningRate", 3e-4, 3.001e-4),
        ("spec.dataset.classes", ["a", "b"], ["b", "a"]),
        ("spec.dataset.ref", {"any": ["cats", "digits"]}, "flowers"),
        ("spec.training.classWeights", {"a": 1.0}, {"a": 2.0}),
    ],
)
def test_values_of_other_meaning_are_not_equal(path: str, expected: Any, got: Any) -> None:
    assert not effective.is_right(path, expected, got)


def test_averaging_that_is_on_has_its_own_defaults() -> None:
    on = effective.effective({"kind": "Experiment", "spec": {"training": {"ema": {}}}})
    off = effective.effective({"kind": "Experiment", "spec": {"training": {"ema": None}}})
    assert on["spec"]["training"]["ema"] == {"decay": 0.9998, "warmup": True}
    assert off["spec"]["training"]["ema"] is None


# The command


@pytest.mark.parametrize("name", ["test", "fresh"])
def test_the_failures_of_what_is_only_scored_are_not_shown(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        score.main(["--half", name, "--failures"])
    assert ended.value.code == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert f"the {name} half is only scored" in told.err
    assert "fix: look at the failures of the train half" in told.err


def test_the_keyword_matcher_is_scored(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    words = ["--drafter", "keywords", "--repository", "world", "--tags", "--failures"]
    score.main([*words, "--json", str(file)])
    out = capsys.readouterr().out
    assert out.startswith("keywords, train half, world\n")
    assert "\nen-" in out
    whole = json.loads(file.read_text())
    assert (whole["drafter"], whole["half"]) == ("keywords", "train")
    told = whole["world"]
    assert told["overall"]["requests"] == len(half("train"))
    assert 0 < told["overall"]["exact_specs"] < told["overall"]["field_accuracy"] < 1
    assert told["languages"].keys() == {"ko", "en"}
    assert set(TASKS) <= told["tasks"].keys()
    assert {"typo", "negation", "edit"} <= told["tags"].keys()


def test_the_repositories_differ_only_in_the_names_that_they_add() -> None:
    product, collisions = repositories.build_product(), repositories.build_collisions()
    assert {"a10g", "a100-40", "a100-80"} <= set(product.gpu_types)
    assert {"a", "on", "test"} <= set(collisions.gpu_types) & set(collisions.sound_datasets)
    assert "한" in collisions.sound_datasets["small"].classes
    for each in (product, collisions):
        assert set(world().sound_datasets) <= set(each.sound_datasets)
        assert set(world().sound_experiments) < set(each.sound_experiments)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["product", "collisions"])
def test_more_names_in_a_repository_change_no_answer(name: str) -> None:
    asked = [each for each in half("train") if repositories.is_decided_in(each, name)]
    judged = score.score(
        asked, drafters.drafter_named("offline"), repositories.REPOSITORIES[name]()
    )
    assert score.failures(judged) == []


def test_the_keyword_matcher_finds_what_stands_there_to_the_letter() -> None:
    found = keywords.Keywords().make_draft(
        [make_user_message("ResNet50 on cats, 20 epochs")], world()
    )
    assert found.status == "complete"
    assert found.data["spec"] == {
        "dataset": {"ref": "cats"},
        "task": "image-classification",
        "model": {"name": "resnet50"},
        "training": {"epochs": 20},
    }
    assert filter_errors(find_problems(found.data, world())) == []
    asked = keywords.Keywords().make_draft([make_user_message("ResNet50 for 20 epochs")], world())
    assert asked.question.field == "spec.dataset.ref"


@pytest.mark.parametrize("name", ["model", "one-shot"])
def test_without_a_key_a_language_model_is_not_scored(name: str) -> None:
    assert drafters.drafter_named(name, {}) is None
    assert drafters.drafter_named(name, {"ANTHROPIC_API_KEY": "made-up"}) is not None


@pytest.mark.parametrize(
    ("key", "provider"),
    [
        ("ANTHROPIC_API_KEY", "anthropic"),
        ("GEMINI_API_KEY", "google"),
        ("OPENAI_API_KEY", "openai-chat"),
    ],
)
def test_one_shot_asks_the_model_that_the_drafter_asks(key: str, provider: str) -> None:
    asked = drafters.drafter_named("one-shot", {key: "made-up"}).model
    assert asked.partition(":")[0] == provider
    assert asked.partition(":")[2]


def test_one_shot_asks_once_and_shows_the_model_the_words() -> None:
    from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart
    from pydantic_ai.models.function import AgentInfo, FunctionModel

    heard: list[list[ModelMessage]] = []

    def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        heard.append(list(messages))
        (tool,) = info.output_tools
        return ModelResponse(parts=[ToolCallPart(tool.name, {"status": "refused", "text": "no"})])

    found = one_shot.OneShot(FunctionModel(answer)).make_draft(
        [make_user_message("무엇이든 지워줘")], world()
    )
    assert found == Draft(status="refused", reason="no")
    assert len(heard) == 1
    assert "무엇이든 지워줘" in str(heard[0])


def test_a_language_model_that_does_not_answer_is_not_scored_as_another() -> None:
    from vtspec.pipelines.drafting.result import Unavailable

    class Down:
        name, provider, model, prompt_hash = "model", "google", "gemini", None

        def make_draft(self, conversation: Sequence[Message], repository: Repository) -> Draft:
            raise Unavailable("the quota is used up")

    with pytest.raises(drafters.FellBack, match="the quota is used up"):
        drafters.Checked(Down()).make_draft(
            [make_user_message("resnet18 on cats, 5 epochs")], world()
        )


def test_a_language_model_is_scored_with_the_check_behind_it() -> None:
    class Careless:
        name, provider, model, prompt_hash = "model", "google", "gemini", None

        def make_draft(self, conversation: Sequence[Message], repository: Repository) -> Draft:
            return Draft(status="complete", data={"kind": "Experiment"})

    found = drafters.Checked(Careless()).make_draft(
        [make_user_message("resnet18 on cats")], world()
    )
    assert found.status == "question"


def test_one_shot_takes_the_answer_as_it_is() -> None:
    answer = one_shot.Answer(status="complete", spec_yaml="kind: Experiment\nspec: {task: ocr}\n")
    assert one_shot.sketch_of(answer) == Draft(
        status="complete", data={"kind": "Experiment", "spec": {"task": "ocr"}}
    )
    asked = one_shot.Answer(status="question", field="spec.task", text="Which?", choices=["ocr"])
    question = Question(field="spec.task", text="Which?", choices=("ocr",))
    assert one_shot.sketch_of(asked).question == question
    assert one_shot.sketch_of(one_shot.Answer(status="complete", spec_yaml="5")).data is None


def test_the_one_prompt_says_what_exists() -> None:
    prompt = one_shot.instructions(world())
    for name in (
        *world().sound_datasets,
        *world().sound_experiments,
        *world().gpu_types,
        "gradientClipping",
    ):
        assert name in prompt
