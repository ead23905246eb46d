"""What becomes of a model's answer: checked, cleaned, or sent back."""

from pathlib import Path
from typing import Any

import pytest

from llm_world import a_repository, an_experiment, person, vtspec, whole
from vtspec.pipelines.catalog import load_frameworks
from vtspec.pipelines.drafting.checks import find_problems
from vtspec.pipelines.drafting.llm.choices import select_choices
from vtspec.pipelines.drafting.llm.field_paths import (
    find_field,
    find_nearest_field,
    find_value,
    parse_path,
    remove_value,
)
from vtspec.pipelines.drafting.llm.grounding import find_ungrounded
from vtspec.pipelines.drafting.llm.output import RejectedAnswer, ask_about_problem, parse_answer
from vtspec.pipelines.drafting.llm.request import DraftRequest
from vtspec.pipelines.drafting.result import Assumption, Draft, Message
from vtspec.pipelines.project.repository import Repository
from vtspec.pipelines.redaction import Redactor


@pytest.fixture
def around(tmp_path: Path) -> Repository:
    return a_repository(tmp_path)


def a_turn(around: Repository, *words: str, before: Message | None = None) -> DraftRequest:
    start = [] if before is None else [before]
    return DraftRequest(
        conversation=[*start, *map(person, words or ("resnet50 on flowers",))],
        repository=around,
        hidden=Redactor(),
    )


def proposed(turn: DraftRequest, draft: Any, *assumptions: Any) -> Draft | RejectedAnswer:
    answer = {"draft": draft, "assumptions": list(assumptions)}
    return parse_answer("propose_experiment", answer, turn)


def asked(turn: DraftRequest, **answer: Any) -> Draft:
    given = {"field": "spec.dataset.ref", "text": "Which one?", "choices": [], **answer}
    made = parse_answer("ask", given, turn)
    assert isinstance(made, Draft)
    return made


def paths_of(rejected: Draft | RejectedAnswer) -> list[str]:
    assert isinstance(rejected, RejectedAnswer)
    return [each.path for each in rejected.problems]


def test_the_version_and_the_kind_are_ours(around: Repository) -> None:
    draft = {"apiVersion": "v9", "kind": "Workflow", **an_experiment()}
    made = proposed(a_turn(around), draft)
    assert isinstance(made, Draft)
    assert (made.status, made.data) == ("complete", whole(an_experiment()))


def test_a_name_that_is_taken_gets_a_number(around: Repository) -> None:
    made = proposed(a_turn(around), an_experiment("cats-resnet50"))
    assert isinstance(made, Draft)
    assert find_value(made.data, "metadata.name") == "cats-resnet50-2"


def test_nulls_are_what_was_left_out(around: Repository) -> None:
    made = proposed(a_turn(around), an_experiment(framework=None, resources={"gpuType": None}))
    assert isinstance(made, Draft)
    assert made.data == whole(an_experiment(resources={}))


def test_every_problem_goes_back_with_its_value_and_its_fix(around: Repository) -> None:
    turn = a_turn(around)
    made = proposed(turn, an_experiment(dataset={"ref": "tulips"}, training={"epochs": -1}))
    assert isinstance(made, RejectedAnswer)
    told = made.to_json(turn)
    assert [each["path"] for each in told["problems"]] == [
        "spec.training.epochs",
        "spec.dataset.ref",
    ]
    assert told["problems"][0]["value"] == "-1"
    assert "set epochs to 1 or more" in told["problems"][0]["fix"]
    assert told["more"] == 0


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("spec.model.weights", "hf-hub:org/net@main", "start from hf-hub:org/net@main"),
        ("spec.model.weights", "run:cats-1", "cats, weights run:cats-1"),
        ("spec.tracking.registerAs", "cat-finder", "register it as Cat-Finder"),
    ],
)
def test_weights_and_names_must_have_been_said(
    around: Repository, field: str, value: str, words: str
) -> None:
    if field == "spec.model.weights":
        draft = an_experiment(model={"name": "resnet50", "weights": value})
    else:
        draft = an_experiment(tracking={"registerAs": value})
    assert paths_of(proposed(a_turn(around, "resnet50"), draft)) == [field]
    said = proposed(a_turn(around, words), draft)
    assert isinstance(said, Draft)
    assert said.status == "complete"


def test_what_the_earlier_draft_has_may_stay(around: Repository) -> None:
    draft = an_experiment(model={"name": "resnet50", "weights": "run:flowers-1"})
    turn = a_turn(around, "10 epochs", before=vtspec("", whole(draft)))
    assert find_ungrounded(whole(draft), turn) == []


def test_a_hub_id_is_listed_or_was_typed(around: Repository) -> None:
    listed = whole(an_experiment(model={"name": "google/vit-base-patch16-224"}))
    unlisted = whole(an_experiment(model={"name": "acme/vit-private"}))
    assert find_ungrounded(listed, a_turn(around)) == []
    assert [each.path for each in find_ungrounded(unlisted, a_turn(around))] == ["spec.model.name"]
    assert find_ungrounded(unlisted, a_turn(around, "Acme/ViT-private on flowers")) == []


def test_labels_are_kept_where_they_were_said(around: Repository) -> None:
    draft = an_experiment()
    labels = {"team": "vision", "stage": "prod", "vtspec.dev/approved": "true"}
    noted = {**draft, "metadata": {**draft["metadata"], "labels": labels}}
    words = "flowers, label team: vision, vtspec.dev/approved true"
    made = proposed(a_turn(around, words), noted)
    assert isinstance(made, Draft)
    assert find_value(made.data, "metadata.labels") == {"team": "vision"}


def test_notes_of_the_earlier_draft_stay_unless_they_are_our_own(around: Repository) -> None:
    notes = {"example.com/why": "for the fair", "vtspec.dev/draft-words": "sha256:00"}
    draft = an_experiment()
    noted = whole({**draft, "metadata": {**draft["metadata"], "annotations": notes}})
    made = proposed(a_turn(around, "again", before=vtspec("", noted)), noted)
    assert isinstance(made, Draft)
    assert find_value(made.data, "metadata.annotations") == {"example.com/why": "for the fair"}


def test_texts_of_a_spec_are_plain_or_absent(around: Repository) -> None:
    told = an_experiment(
        description="See ![x](http://e.example/y) the\x1b[31m roses",
        tracking={"experiment": "<b>"},
    )
    made = proposed(a_turn(around), told)
    assert isinstance(made, Draft)
    assert find_value(made.data, "spec.description") == "See x the roses"
    assert find_value(made.data, "spec.tracking") == {}


def test_an_assumption_tells_the_value_that_the_draft_has(around: Repository) -> None:
    made = proposed(
        a_turn(around),
        an_experiment(),
        {"field": "spec.training.epochs", "value": "500", "why": "the usual number"},
        {"field": "", "value": "asap", "why": "not understood"},
        {"field": "", "value": 3, "why": "not understood"},
        {"field": "spec.training.batchSize", "value": "64", "why": "said, and not there"},
        {"field": "spec.nothing", "value": 1, "why": "x"},
        {"field": 3, "value": 1, "why": "x"},
        {"field": "spec.task", "value": 1, "why": ""},
        "nothing",
    )
    assert isinstance(made, Draft)
    assert made.assumptions == (
        Assumption(field="spec.training.epochs", value=50, why="the usual number"),
        Assumption(field="", value="asap", why="not understood", left_out=True),
        Assumption(field="", value=3, why="not understood", left_out=True),
        Assumption(
            field="spec.training.batchSize", value="64", why="said, and not there", left_out=True
        ),
        Assumption(field="spec.task", value="image-classification", why="it was not said"),
    )


def test_beside_a_question_only_what_is_missing_is_wrong(around: Repository) -> None:
    draft = {
        "kind": "Experiment",
        "metadata": {"name": "x/y"},
        "spec": {
            "task": "ocr",
            "model": {"name": "resnet50"},
            "training": {"epochs": -1, "zork": 1},
        },
    }
    sketch = asked(a_turn(around), draft=draft)
    assert sketch.data is not None
    assert [each for each in find_problems(sketch.data, around) if each.value is not None] == []
    assert find_value(sketch.data, "spec.training") == {}


def test_a_key_that_no_path_can_name_takes_the_draft_with_it(around: Repository) -> None:
    sketch = asked(a_turn(around), draft={**an_experiment(), "a.b": 1})
    assert sketch.data == whole({})


def test_a_dataset_can_be_asked_about(around: Repository) -> None:
    draft = {"kind": "Dataset", "metadata": {"name": "birds"}}
    sketch = asked(a_turn(around), field="spec.source.dvc.path", draft=draft)
    assert sketch.data == whole({"metadata": {"name": "birds"}}, "Dataset")


@pytest.mark.parametrize(
    ("words", "text"), [("꽃", "다음을 정해 주세요: 작업"), ("a", "Which task shall it be?")]
)
def test_a_question_that_cannot_be_shown_is_asked_in_our_own_words(
    around: Repository, words: str, text: str
) -> None:
    for bad in ("", "Send me your password", None):
        sketch = asked(a_turn(around, words), field="spec.task", text=bad)
        assert sketch.question is not None
        assert sketch.question.text == text


def test_a_field_without_a_label_is_asked_for_by_its_path(around: Repository) -> None:
    sketch = asked(a_turn(around), field="spec.training.seed", text="")
    assert sketch.question is not None
    assert sketch.question.text == "What shall spec.training.seed be?"


@pytest.mark.parametrize(("words", "start"), [("날씨?", "죄송하지만"), ("weather?", "Sorry")])
def test_a_refusal_always_has_a_reason(around: Repository, words: str, start: str) -> None:
    made = parse_answer("refuse", {"reason": "\x00"}, a_turn(around, words))
    assert isinstance(made, Draft)
    assert made.status == "refused"
    assert (made.reason or "").startswith(start)


def test_what_is_too_large_goes_back(around: Repository) -> None:
    turn = a_turn(around)
    made = proposed(turn, an_experiment(description="x" * 5_000))
    assert isinstance(made, RejectedAnswer)
    assert "more than 4,000 characters" in made.problems[0].message
    assert ask_about_problem(made, turn).data == whole({})


def test_a_problem_of_a_list_item_is_asked_at_its_field(around: Repository) -> None:
    turn = a_turn(around)
    made = proposed(turn, an_experiment(report={"gates": ["accuracy >= 0.9", "so good"]}))
    assert isinstance(made, RejectedAnswer)
    sketch = ask_about_problem(made, turn)
    assert sketch.question is not None
    assert sketch.question.field == "spec.report.gates[1]"
    assert find_value(sketch.data, "spec.report.gates") == ["accuracy >= 0.9"]


@pytest.mark.parametrize(
    ("field", "offered", "draft", "kept"),
    [
        ("spec.dataset.ref", ["street", "cats", "dogs", "cats"], {}, ("street", "cats")),
        (
            "spec.dataset.ref",
            ["parts"],
            {"task": "object-detection"},
            ("parts", "helmets", "street"),
        ),
        ("spec.dataset.ref", [], {"task": "ocr"}, ("receipts",)),
        (
            "spec.task",
            ["drawing"],
            {"dataset": {"ref": "parts"}},
            ("object-detection", "instance-segmentation"),
        ),
        ("spec.task", ["ocr", "depth-estimation"], {}, ("ocr", "depth-estimation")),
        (
            "spec.model.name",
            ["resnet18", "resnet50", "resnte", "acme/x"],
            {},
            ("resnet18", "resnet50"),
        ),
        ("spec.framework", ["timm", "caffe", "toy"], {}, ("timm", "toy")),
        ("spec.resources.gpuType", ["b200"], {}, ("t4", "l4", "a100-80", "h100")),
        (
            "metadata.name",
            ["flowers-vit", "nope"],
            {},
            ("flowers-vit", "cats-resnet50", "digits-resnet18", "street-yolo11n"),
        ),
        (
            "spec.report.baseline",
            ["flowers-vit", "cats-resnet50"],
            {},
            ("flowers-vit", "cats-resnet50"),
        ),
        ("spec.training.optimizer", ["sgd", "magic", "adamw"], {}, ("sgd", "adamw")),
        ("spec.export.formats", ["onnx", "exe"], {}, ("onnx",)),
        (
            "spec.training.epochs",
            [50, 100.0, 2.5, "200", True, None],
            {},
            ("50", "100", "2.5", "200", "true"),
        ),
        ("spec.training.epochs", ["<b>5</b>", "x" * 100, "enter password"], {}, ()),
    ],
)
def test_choices_are_what_exists(
    around: Repository, field: str, offered: list[Any], draft: Any, kept: tuple[str, ...]
) -> None:
    assert select_choices(field, offered, {"spec": draft}, a_turn(around)) == kept


def test_models_fill_the_choice_for_the_task_of_the_dataset(around: Repository) -> None:
    draft = {"spec": {"dataset": {"ref": "street"}}}
    found = select_choices("spec.model.name", ["nothing-like-it"], draft, a_turn(around))
    assert len(found) == 6
    for name in found:
        assert any(
            model is not None and "object-detection" in model.tasks
            for model in (each.model(name) for each in load_frameworks().values())
        )


def test_paths_are_read_as_problems_write_them() -> None:
    assert parse_path("spec.report.gates[0]") == ("spec", "report", "gates", 0)
    data = {"a": [{"b": 1}, 2], "c": 3}
    assert find_value(data, "a[0].b") == 1
    assert find_value(data, "a[7]") is None
    assert find_value(data, "c.d") is None
    assert remove_value(data, "a[0].b") == {"a": [{}, 2], "c": 3}
    assert remove_value(data, "a[1]") == {"a": [{"b": 1}], "c": 3}
    assert remove_value(data, "x.y") == data


def test_fields_are_those_of_the_kinds() -> None:
    assert find_field("spec.training.epochs") is not None
    assert find_field("spec.splits.train.path") is not None
    assert find_field("spec.training.zork") is None
    assert find_field("x" * 300) is None
    assert find_nearest_field("spec.training.zork.b") == "spec.training"
    assert find_nearest_field("nothing") == "spec"


@pytest.mark.parametrize(
    ("named", "field"),
    [
        ("epochs", "spec.training.epochs"),
        ("training.epochs", "spec.training.epochs"),
        ("dataset.ref", "spec.dataset.ref"),
        ("spec.resources.gpuType", "spec.resources.gpuType"),
    ],
)
def test_a_field_that_is_named_by_its_end_is_that_field(
    around: Repository, named: str, field: str
) -> None:
    answer = {"field": named, "text": "Which is it?", "choices": [], "draft": {}}
    asked = parse_answer("ask", answer, a_turn(around))
    assert isinstance(asked, Draft)
    assert asked.question is not None
    assert asked.question.field == field
    made = proposed(a_turn(around), an_experiment(), {"field": named, "value": 1, "why": "usual"})
    assert isinstance(made, Draft)
    assert [each.field for each in made.assumptions] == [field]


@pytest.mark.parametrize("named", ["lr", "", "spec.nothing", 3, None])
def test_a_question_at_no_certain_field_goes_back(around: Repository, named: Any) -> None:
    answer = {"field": named, "text": "Which is it?", "choices": [], "draft": {}}
    assert isinstance(parse_answer("ask", answer, a_turn(around)), RejectedAnswer)
