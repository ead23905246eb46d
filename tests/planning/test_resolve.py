"""What the world says of a spec: data pinned, model known, weights fixed, runs remembered."""

import json
from pathlib import Path
from typing import Any

import pytest

from plan_repository import DATASET, HASH, a_repository, change
from run_folders import EVALUATED, STARTED, SUCCEEDED, a_run_folder, an_epoch
from vtspec.pipelines.catalog import load_frameworks
from vtspec.pipelines.data.source import PathSource
from vtspec.pipelines.errors import Permanent, Refused
from vtspec.pipelines.operations.removal import choose_runs
from vtspec.pipelines.planning.plan import PlanInputs, build_plan
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.planning.resolve import ModelSources, resolve_spec
from vtspec.pipelines.planning.run_timings import find_timing
from vtspec.pipelines.project.overrides import parse_overrides
from vtspec.pipelines.project.repository import find_repository
from vtspec.pipelines.runs import Run, Runs
from vtspec.pipelines.weights.hub import Hub
from vtspec.pipelines.weights.model import HubWeights, RunWeights
from vtspec.schema.problem import SpecError

COMMIT = "0123456789abcdef0123456789abcdef01234567"

DEEP = "specs/experiments/deep.yaml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return a_repository(tmp_path)


def world(root: Path, **changes: Any) -> ModelSources:
    refs = root / "hub" / "models--timm--resnet18.a1_in1k" / "refs"
    refs.mkdir(parents=True, exist_ok=True)
    (refs / "main").write_text(COMMIT)
    hub = Hub(endpoint="http://127.0.0.1:9", cache=root / "hub", offline=True)
    return ModelSources(hub=hub, **changes)


def inputs(root: Path, *sets: str, runs: Path | None = None, **changes: Any) -> PlanInputs:
    repository = find_repository(root).with_runs(runs)
    found = resolve_spec(root / DEEP, repository, parse_overrides(sets), world(root, **changes))
    return found[1]


def planned(root: Path, *sets: str) -> Plan:
    workspace = find_repository(root)
    return build_plan(*resolve_spec(root / DEEP, workspace, parse_overrides(sets), world(root)))


def test_the_dataset_is_pinned_by_dvcs_own_file_and_never_looked_at(root: Path) -> None:
    found = inputs(root)
    assert (found.dataset_hash, found.hash_origin) == (f"md5:{HASH}", "data/digits.dvc")
    assert not (root / "data/digits").exists()


def test_a_plain_path_is_pinned_by_its_content_hash(root: Path) -> None:
    change(root, "specs/datasets/digits.yaml", "{dvc: {path: data/digits}}", "{path: data/digits}")
    change(
        root, "specs/datasets/digits.yaml", "classes:", f'contentHash: "md5:{HASH}"\n  classes:'
    )
    (root / "data/digits.dvc").unlink()
    found = inputs(root)
    assert (found.dataset_hash, found.hash_origin) == (f"md5:{HASH}", "dataset")
    made = planned(root)
    assert made.dataset.source == PathSource(path="data/digits")
    source = made.to_json()["dataset"]["source"]
    assert source == {"type": "path", "path": "data/digits"}


def test_a_content_hash_that_dvc_contradicts_is_an_error_at_its_line(root: Path) -> None:
    other = "f" * 32 + ".dir"
    file = "specs/datasets/digits.yaml"
    change(root, file, "classes:", f'contentHash: "md5:{other}"\n  classes:')
    with pytest.raises(SpecError) as caught:
        inputs(root)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.path) == (file, 8, "spec.contentHash")
    assert problem.message == f"is md5:{other}, but data/digits.dvc says md5:{HASH}"
    change(root, file, other, HASH)
    assert inputs(root).dataset_hash == f"md5:{HASH}"


def test_data_of_another_repository_needs_a_content_hash(root: Path) -> None:
    dvc = "{dvc: {path: data/digits, repo: https://example.org/x, rev: v1}}"
    change(root, "specs/datasets/digits.yaml", "{dvc: {path: data/digits}}", dvc)
    with pytest.raises(SpecError, match="is needed here"):
        inputs(root)
    change(
        root, "specs/datasets/digits.yaml", "classes:", f'contentHash: "md5:{HASH}"\n  classes:'
    )
    assert inputs(root).dataset_hash == f"md5:{HASH}"


def test_data_that_nothing_pins_is_refused(root: Path) -> None:
    (root / "data/digits.dvc").unlink()
    with pytest.raises(Permanent, match="DVC does not track data/digits"):
        inputs(root)


def test_the_framework_follows_from_the_model(root: Path) -> None:
    found = inputs(root).framework
    timm = load_frameworks()["timm"]
    assert (found.name, found.adapter, found.adapter_version, found.requirements_hash) == (
        "timm",
        timm.adapter,
        timm.adapter_version,
        timm.requirements_hash,
    )
    made = planned(root)
    assert made.origins["framework"] == "model"
    assert planned(root, "framework=timm").origins["framework"] == "--set"


def test_the_model_is_counted_with_a_head_for_the_classes(root: Path) -> None:
    model = load_frameworks()["timm"].model("resnet18")
    assert model is not None
    found = inputs(root).model
    assert found.parameters == model.count_parameters(3)
    assert found.image_size == model.image_size
    assert inputs(root, "dataset.classes=['0','1']").model.parameters == model.count_parameters(2)


def test_pretrained_weights_bring_their_own_image_size(root: Path) -> None:
    model = load_frameworks()["timm"].model("resnet18")
    assert model is not None and model.chosen_weights is not None
    found = inputs(root, "model.pretrained=true", "training.imageSize=null")
    assert found.model.image_size == model.chosen_weights.image_size
    assert isinstance(found.weights, HubWeights)
    assert (found.weights.id, found.weights.revision) == ("timm/resnet18.a1_in1k", COMMIT)
    assert "local cache" in found.doubts[0]


def test_every_problem_that_validate_tells_is_told_first(root: Path) -> None:
    change(root, DEEP, "resnet18", "resnt18")
    change(root, DEEP, "accuracy >=", "acuracy >=")
    with pytest.raises(SpecError) as caught:
        inputs(root)
    assert [(problem.line, problem.path) for problem in caught.value.problems] == [
        (7, "spec.model.name"),
        (13, "spec.report.gates[0]"),
    ]


def test_a_problem_that_an_option_made_names_the_option(root: Path) -> None:
    with pytest.raises(SpecError) as caught:
        inputs(root, "model.name=resnt18")
    (problem,) = caught.value.problems
    assert problem.file == "--set model.name=resnt18"
    assert problem.fix == "did you mean 'resnet18'?"


def test_what_validate_warns_of_is_a_warning_of_the_plan(root: Path) -> None:
    made = planned(root, "training.batchSize=500")
    assert [one for one in made.warnings if one.startswith("training.batchSize is more than")]


def test_prices_and_gpus_are_those_of_the_project(root: Path) -> None:
    found = inputs(root, "resources={gpus: 1, gpuType: t4}")
    assert (found.machine.tflops, found.machine.gpu_price, found.machine.currency) == (
        20,
        0.35,
        "EUR",
    )
    assert found.has_bf16 is False
    assert planned(root, "resources={gpus: 1, gpuType: t4}").training.precision == "fp16"
    assert inputs(root).has_bf16 is None


def test_a_dataset_cannot_be_planned(root: Path) -> None:
    workspace = find_repository(root)
    with pytest.raises(Refused, match="is of kind Dataset"):
        resolve_spec(root / "specs/datasets/digits.yaml", workspace)


def test_a_framework_without_its_adapter_is_planned_with_a_warning(root: Path) -> None:
    from dataclasses import replace

    absent = {"timm": replace(load_frameworks()["timm"], adapter="not_there_yet")}
    found = inputs(root, frameworks=absent)
    assert found.params is None
    workspace = find_repository(root)
    made = build_plan(
        *resolve_spec(root / DEEP, workspace, sources=world(root, frameworks=absent))
    )
    assert any("the adapter for timm is not there yet" in one for one in made.warnings)


def test_the_plan_is_the_same_wherever_the_repository_lies(root: Path, tmp_path: Path) -> None:
    other = a_repository(tmp_path / "else/where")
    assert planned(root).to_json() == planned(other).to_json()


def finished(root: Path, made: Plan, *told: Any) -> Path:
    epochs = [an_epoch(1, seconds=10.0), an_epoch(2, seconds=12.5)]
    return a_run_folder(root / "runs", [STARTED, *epochs, EVALUATED, *told], made.to_json())


def test_a_finished_run_tells_how_long_the_next_takes(root: Path) -> None:
    finished(root, planned(root), SUCCEEDED)
    (timing,) = inputs(root).timings
    assert (timing.images, timing.epochs, timing.epoch_seconds) == (250, 2, 22.5)
    guess = planned(root).estimate
    assert guess.seconds == pytest.approx(22.5 / (250 * 2) * 250 * 5 + timing.other_seconds)
    assert planned(root).id in guess.basis


def test_a_finished_run_tells_how_long_its_report_takes(root: Path) -> None:
    report = ("step.started", {"command": ["vtspec"]}), ("step.finished", {"ending": "succeeded"})
    log = finished(root, planned(root), *report, SUCCEEDED) / "events.jsonl"
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    # Ten seconds from each to the next: the report's begin and end are followed by the run's.
    timed = [event | {"elapsed": 10.0 * n} for n, event in enumerate(events)]
    steps = [event | {"step": "report"} for event in timed[-3:-1]]
    lines = map(json.dumps, [*timed[:-3], *steps, timed[-1]])
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (timing,) = inputs(root).timings
    assert timing.report_seconds == 20.0
    assert planned(root).estimate.report_seconds == 20.0


def test_runs_that_did_not_finish_tell_nothing(root: Path) -> None:
    finished(root, planned(root))
    assert inputs(root).timings == ()


def test_runs_of_other_models_tell_nothing(root: Path) -> None:
    finished(root, planned(root), SUCCEEDED)
    assert inputs(root, "model.name=resnet34").timings == ()


def test_runs_elsewhere_are_looked_at_where_they_are(root: Path, tmp_path: Path) -> None:
    finished(tmp_path / "far", planned(root), SUCCEEDED)
    assert inputs(root).timings == ()
    assert len(inputs(root, runs=tmp_path / "far/runs").timings) == 1


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"model": 3}', '{"model": {"name": "resnet18"}}', "null"]
)
def test_a_damaged_run_tells_nothing_and_stops_nothing(root: Path, text: str) -> None:
    run = finished(root, planned(root), SUCCEEDED)
    (run / "plan.json").write_text(text)
    assert find_timing(Run(run), "resnet18") is None
    assert inputs(root).timings == ()


def test_a_model_that_several_frameworks_have_is_refused_without_one(root: Path) -> None:
    timm = load_frameworks()["timm"]
    workspace = find_repository(root)
    with pytest.raises(SpecError, match="several frameworks"):
        resolve_spec(
            root / DEEP,
            workspace,
            sources=world(root, frameworks={"timm": timm, "other": timm}),
        )


def test_the_builder_names_a_dataset_that_says_where_it_is() -> None:
    assert "data/digits" in DATASET


def test_a_baseline_is_pinned_as_its_spec_stands(root: Path) -> None:
    before = inputs(root).baseline_plan
    small = root / "specs/experiments/small.yaml"
    alone = build_plan(*resolve_spec(small, find_repository(root), (), world(root)))
    assert before == alone.id
    # A value that is only typed for this run is not the baseline's.
    assert inputs(root, "training.epochs=9").baseline_plan == before
    change(root, "specs/experiments/small.yaml", "epochs: 3", "epochs: 4")
    assert inputs(root).baseline_plan not in (None, before)


@pytest.mark.parametrize("baseline", ["null", "nobody", "broken"])
def test_a_baseline_that_cannot_be_planned_has_no_plan(root: Path, baseline: str) -> None:
    change(root, "specs/experiments/small.yaml", "resnet10t", "resnet10ttt")
    change(root, DEEP, "baseline: small", f"baseline: {baseline}")
    (root / "specs/experiments/small.yaml").rename(root / "specs/experiments/broken.yaml")
    change(root, "specs/experiments/broken.yaml", "name: small", "name: broken")
    if baseline == "nobody":
        with pytest.raises(SpecError):
            inputs(root)
    else:
        assert inputs(root).baseline_plan is None


SMALL = "specs/experiments/small.yaml"


def a_result(root: Path, plan: Plan, order: int) -> str:
    told = [("run.started", {"order": order}), EVALUATED, SUCCEEDED]
    folder = a_run_folder(root / "runs", told, plan.to_json())
    (folder / "model").mkdir()
    (folder / "model/model.safetensors").write_bytes(plan.id.encode())
    return folder.name


def planned_small(root: Path, *sets: str) -> Plan:
    there = find_repository(root)
    return build_plan(*resolve_spec(root / SMALL, there, parse_overrides(sets), world(root)))


def test_a_start_from_a_spec_is_from_its_own_plan_and_removing_heeds_that(root: Path) -> None:
    meant = a_result(root, planned_small(root), 1)
    once = a_result(root, planned_small(root, "training.epochs=1"), 2)
    change(root, DEEP, "{name: resnet18}", "{name: resnet10t, weights: 'run:small'}")
    found = inputs(root)
    assert isinstance(found.weights, RunWeights) and found.weights.run == meant
    there = find_repository(root)
    change(root, DEEP, "    baseline: small\n", "")
    needed = choose_runs((meant, once), Runs(root / "runs"), there)
    assert [one.needed_by for one in needed] == [("experiment deep starts from its model",), ()]
    # As it stands it has never been carried out: that is told, and the last one taken.
    change(root, SMALL, "epochs: 3", "epochs: 4")
    found = inputs(root)
    assert isinstance(found.weights, RunWeights) and found.weights.run == once
    assert any("small as it stands has none" in one for one in found.doubts)


def test_specs_that_start_from_a_run_of_each_other_are_planned_all_the_same(root: Path) -> None:
    first = a_result(root, planned_small(root), 1)
    a_result(root, planned_small(root, "training.epochs=1"), 2)
    change(root, DEEP, "{name: resnet18}", "{name: resnet10t, weights: 'run:small'}")
    for order, sets in enumerate(((), ("training.epochs=1",)), 3):
        a_result(root, planned(root, *sets), order)
    change(root, SMALL, "{name: resnet10t}", "{name: resnet10t, weights: 'run:deep'}")
    assert isinstance(inputs(root).weights, RunWeights)
    # One from a run of its own, too.
    change(root, SMALL, "run:deep", "run:small")
    found = planned_small(root).model.weights
    assert isinstance(found, RunWeights) and found.run != first
