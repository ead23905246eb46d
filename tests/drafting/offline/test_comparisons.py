"""What a run is held against: another experiment, several seeds, MLflow's experiment."""

import pytest
import yaml

from offline_drafts import WORLD, flat, said
from vtspec.pipelines.project.repository import Repository, find_repository
from vtspec.schema.load import load

OTHER = "digits-resnet18"
NO_GATE = "the report compares with it; only a gate with a number can fail"


@pytest.fixture(scope="module")
def world() -> Repository:
    return find_repository(WORLD)


@pytest.fixture(scope="module")
def collisions(world: Repository) -> Repository:
    """A repository in which an experiment is called as the dataset that it is on."""
    spec = {**world.sound_experiments["cats-resnet50"], "metadata": {"name": "cats"}}
    path = str(world.get_spec_path("Experiment", "cats"))
    loaded = load(yaml.safe_dump(spec), path)
    return world.with_specs([loaded], {path: path})


@pytest.mark.parametrize(
    "text",
    [
        "not worse than digits-resnet18",
        "no worse than digits-resnet18",
        "it must not be worse than our digits-resnet18, call it nw",
        "at least as good as digits-resnet18",
        "as accurate as digits-resnet18",
        "must match digits-resnet18",
        "on par with digits-resnet18",
        "better than digits-resnet18",
        "digits-resnet18보다 나쁘지 않게",
        "digits-resnet18보다 못하지 않게 해줘",
        "digits-resnet18에 뒤지지 않게",
        "digits-resnet18만큼 좋게",
        "digits-resnet18 이상으로",
    ],
)
def test_what_must_not_be_worse_is_compared_with_and_gives_nothing(
    world: Repository, text: str
) -> None:
    answer = said(world, f"resnet50 on cats for 7 epochs with sgd, {text}")

    assert answer.status == "complete", answer.question
    drafted = flat(answer.data)
    assert drafted["report.baseline"] == OTHER
    # Of the other one nothing is taken, and nothing that was said is lost.
    assert drafted["dataset.ref"] == "cats"
    assert drafted["training.optimizer"] == "sgd"
    assert "training.batchSize" not in drafted
    assert [each.value for each in answer.assumptions if not each.field] == []
    why = [one.why for one in answer.assumptions if one.field == "spec.report.baseline"]
    assert len(why) == 1
    assert why[0].startswith((NO_GATE, "보고서에서 비교합니다"))


@pytest.mark.parametrize("text", ["accuracy at least 0.9, {}", "{} and accuracy at least 0.9"])
def test_a_gate_that_was_said_needs_no_word_on_gates(world: Repository, text: str) -> None:
    answer = said(world, "resnet50 on cats, " + text.format(f"not worse than {OTHER}"))

    drafted = flat(answer.data)
    assert (drafted["report.baseline"], drafted["report.gates"]) == (OTHER, ["accuracy >= 0.9"])
    assert "spec.report.baseline" not in [one.field for one in answer.assumptions]


@pytest.mark.parametrize("text", ["no worse than nosuch-net9", "baseline is nosuch"])
def test_a_comparison_with_what_is_not_there_is_told_or_asked(
    world: Repository, text: str
) -> None:
    answer = said(world, f"resnet50 on cats, {text}")

    told = [str(each.value) for each in answer.assumptions if not each.field]
    assert "nosuch" in " ".join([*told, answer.question.text if answer.question else ""])


@pytest.mark.parametrize(
    "text", ["baseline is {}", "baseline: {}", "baseline = {}", "compare with {}", "기준은 {}",
             "{}와 비교"],
)  # fmt: skip
def test_an_experiment_called_as_a_dataset_is_the_baseline_where_it_is_compared_with(
    collisions: Repository, text: str
) -> None:
    answer = said(collisions, f"resnet50 on digits, {text.format('cats')}")

    assert answer.status == "complete", answer.question
    drafted = flat(answer.data)
    assert (drafted["report.baseline"], drafted["dataset.ref"]) == ("cats", "digits")


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("seeds: 3", 3),
        ("seeds=4", 4),
        ("repeat it with 3 seeds", 3),
        ("over three seeds", 3),
        ("5 different seeds", 5),
        ("average over 3 runs", 3),
        ("repeat it 3 times and average", 3),
        ("repeat 3 times", 3),
        ("repeat it three times", 3),
        ("repeated 4 times", 4),
        ("run the experiment 5 times", 5),
        ("run it twice", 2),
        ("3 repeats", 3),
        ("with five repetitions", 5),
        ("3번 반복", 3),
        ("3번 반복해줘", 3),
        ("세 번 반복해서 학습해줘", 3),
        ("5회 반복 실험", 5),
        ("3번 실행해줘", 3),
        ("반복 3회", 3),
        ("number of seeds 3", 3),
        ("시드 3개로", 3),
        ("시드 세 개로", 3),
        ("서로 다른 시드 5가지로", 5),
        ("3개 시드로", 3),
        ("세 번 반복해서 평균", 3),
        ("5번 돌려서 평균 내줘", 5),
        ("시드 개수 4", 4),
    ],
)
def test_a_number_of_seeds_is_how_often_the_plan_is_carried_out(
    world: Repository, text: str, seeds: int
) -> None:
    answer = said(world, f"resnet50 on cats for 7 epochs, batch 32, {text}")

    assert answer.status == "complete", answer.question
    drafted = flat(answer.data)
    assert drafted["report.seeds"] == seeds
    assert (drafted["training.epochs"], drafted["training.batchSize"]) == (7, 32)
    assert "training.seed" not in drafted
    assert [each.value for each in answer.assumptions if not each.field] == []


@pytest.mark.parametrize(("text", "seed"), [("seed 3", 3), ("시드 3", 3), ("seed: 7", 7)])
def test_a_seed_is_a_seed(world: Repository, text: str, seed: int) -> None:
    drafted = flat(said(world, f"resnet50 on cats, {text}").data)

    assert drafted["training.seed"] == seed
    assert "report.seeds" not in drafted


@pytest.mark.parametrize(
    ("text", "epochs"),
    [
        ("100번 학습", 100),
        ("데이터를 3번 반복", 3),
        ("100번 반복", 100),
        ("run 3 times longer", None),
    ],
)
def test_times_of_something_else_are_no_seeds(
    world: Repository, text: str, epochs: int | None
) -> None:
    answer = said(world, f"resnet50 on cats, batch 32, {text}")

    drafted = flat(answer.data) if answer.data else {}
    assert "report.seeds" not in drafted
    assert epochs is None or drafted["training.epochs"] == epochs


@pytest.mark.parametrize(
    "text",
    [
        "seeds 42",
        "seeds: 1",
        "with 100 seeds",
        "repeat it 100 times",
        "run it 1 times",
    ],
)
def test_more_seeds_than_there_may_be_are_asked_about(world: Repository, text: str) -> None:
    answer = said(world, f"resnet50 on cats, {text}")

    assert answer.question is not None
    assert answer.question.field == "spec.report.seeds"


@pytest.mark.parametrize(
    "text",
    [
        "in the experiment bolts",
        "under experiment bolts",
        "into our experiment bolts",
        "bolts 실험에 기록",
        "실험 bolts에 남겨줘",
        "mlflow experiment bolts",
    ],
)
def test_the_experiment_that_a_run_is_tracked_in_is_mlflows(world: Repository, text: str) -> None:
    answer = said(world, f"resnet50 on cats, {text}")

    assert answer.status == "complete", answer.question
    assert flat(answer.data)["tracking.experiment"] == "bolts"
    assert [each.value for each in answer.assumptions if not each.field] == []


@pytest.mark.parametrize("text", ["in the experiment with batch 16", "a spec for the experiment"])
def test_an_experiment_without_a_name_is_none_of_mlflows(world: Repository, text: str) -> None:
    assert "tracking.experiment" not in flat(said(world, f"resnet50 on cats, {text}").data)


@pytest.mark.parametrize(
    "text", ["검증 데이터 20%로 나눠서", "이미지 크기 16, 검증 데이터 20%로 나눠서", "80/20 split",
             "hold out 20% for validation"],
)  # fmt: skip
def test_a_share_of_the_data_is_no_size_of_images(world: Repository, text: str) -> None:
    answer = said(world, f"resnet50 on cats, {text}")

    assert flat(answer.data).get("training.imageSize") in (None, 16)
    assert "20" in " ".join(str(each.value) for each in answer.assumptions if not each.field)
