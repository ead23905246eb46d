"""A finished plan asked for with another policy: applied to the result, and nothing trained."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from local_repository import Repository, Watcher, a_local, a_repository, model_sum
from toy_runs import adapter_with_onnx, name_plan
from vtspec.cli.commands.status import command as status
from vtspec.pipelines.errors import Refused
from vtspec.pipelines.execution.local import RunOptions, RunResult
from vtspec.pipelines.execution.steps import OUTPUT_FILE
from vtspec.pipelines.planning.digest import name_completion
from vtspec.pipelines.planning.plan_model import Plan, plan_from_json
from vtspec.pipelines.reporting import read_facts
from vtspec.pipelines.runs import Run

pytestmark = pytest.mark.slow

GATES = {"report": {"baseline": None, "gates": ["accuracy >= 0.5"]}}
BASELINE = {"report": {"baseline": "other", "gates": []}}
REGISTERED = {"tracking": {"experiment": "shapes", "registerAs": "shapes"}}
EXPERIMENT = {"tracking": {"experiment": "elsewhere", "registerAs": None}}
DESCRIBED = {"description": "Why not?"}
ONNX = {"export": {"formats": ["safetensors", "onnx"]}}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository whose plan was carried out."""
    repository = a_repository(tmp_path_factory.mktemp("finished"))
    carry(repository, Watcher())
    return repository


@pytest.fixture
def repository(finished: Repository, tmp_path: Path) -> Repository:
    root = shutil.copytree(finished.root, tmp_path / "repository")
    return replace(finished, root=root)


def with_policy(repository: Repository, changes: dict[str, Any]) -> Repository:
    return replace(repository, plan=name_plan({**repository.plan, **changes, "steps": []}))


def carry(repository: Repository, watcher: Watcher, **choice: Any) -> RunResult:
    local = a_local(repository, watcher)
    return local.run(repository.planned, RunOptions(**choice), "vtspec run shapes")


def read_trained_plan(run: Run) -> Plan:
    return plan_from_json(json.loads((run.path / "plan.json").read_text()))


def list_completions(run: Run) -> list[str]:
    return sorted(path.stem for path in run.path.glob(f"{run.name}-c*.json"))


def begun(watcher: Watcher) -> list[str | None]:
    return [event.step for event in watcher.events if event.kind == "step.started"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (GATES, "gates to be judged anew"),
        (BASELINE, "to be compared with other"),
        (REGISTERED, "to be registered as shapes"),
        (EXPERIMENT, "to be sent to experiment elsewhere of MLflow too"),
        (DESCRIBED, "to be described anew"),
        ({**GATES, **REGISTERED}, "gates to be judged anew, to be registered as shapes"),
    ],
)
def test_another_policy_is_applied_to_the_result_without_training(
    repository: Repository, changes: dict[str, Any], words: str
) -> None:
    asked, watcher = with_policy(repository, changes), Watcher()
    before = model_sum(repository, repository.name)
    result = carry(asked, watcher)
    assert (result.how, result.run.name) == ("updated", repository.name)
    assert f"same result, other policy: {words}" in watcher.said
    assert begun(watcher) == ["report"]
    assert watcher.kinds()[0] == "run.updated"
    assert plan_from_json(result.run.read_plan()) == asked.planned
    assert model_sum(repository, repository.name) == before
    assert read_trained_plan(result.run) == repository.planned
    # Once: it is the run's own policy from then on.
    again = Watcher()
    assert carry(asked, again).how == "shown"
    assert again.events == []


def test_a_completion_lies_beside_the_plan_under_the_name_that_its_policy_has(
    repository: Repository,
) -> None:
    gates, described = with_policy(repository, GATES), with_policy(repository, DESCRIBED)
    run = carry(gates, Watcher()).run
    (first,) = list_completions(run)
    assert re.fullmatch(rf"{run.name}-c[0-9a-f]{{6}}", first)
    assert run.read_state().completion == first == name_completion(run.name, gates.plan)
    # A description is in no digest, and is another completion all the same.
    carry(described, Watcher())
    second = name_completion(run.name, described.plan)
    assert list_completions(run) == sorted({first, second})
    # Asked for again it is the same one, and the last.
    carry(gates, Watcher())
    assert list_completions(run) == sorted({first, second})
    assert run.read_state().completion == first
    assert plan_from_json(run.read_plan()) == gates.planned
    assert read_trained_plan(run) == repository.planned
    assert repository.runs.find(second).name == run.name
    with pytest.raises(Refused, match="there is no run"):
        repository.runs.find(f"{run.name}-c000000")


def test_a_run_that_an_earlier_vtspec_updated_is_read_and_completed(
    repository: Repository,
) -> None:
    # It wrote the new plan over the old one, and named no completion.
    run, gates = (
        carry(with_policy(repository, GATES), Watcher()).run,
        with_policy(repository, GATES),
    )
    (made,) = list_completions(run)
    (run.path / f"{made}.json").rename(run.path / "plan.json")
    events = run.path / "events.jsonl"
    told = rf',"completion":"{made}"(,"workflow":{{}})?,"check":"[0-9a-f]+"'
    words = re.sub(told, "", events.read_text())
    events.write_text(words)
    assert run.read_state().completion is None
    assert plan_from_json(run.read_plan()) == gates.planned
    assert carry(gates, Watcher()).how == "shown"
    assert carry(repository, Watcher()).how == "updated"
    assert plan_from_json(run.read_plan()) == repository.planned
    assert read_trained_plan(run) == gates.planned


@pytest.mark.parametrize("damage", ["gone", "cut", "edited"])
def test_a_completion_whose_file_is_damaged_is_made_anew(
    repository: Repository, damage: str
) -> None:
    licensed = {"dataset": {**repository.plan["dataset"], "licence": "CC0-1.0"}}
    carry(with_policy(repository, licensed), Watcher())
    # The licence was asked for before, and stands no more in what this one asks for.
    asked = with_policy(repository, {**licensed, **GATES})
    run = carry(asked, Watcher()).run
    whole, file = run.plan_file.read_text(), run.plan_file
    match damage:
        case "gone":
            file.unlink()
        case "cut":
            file.write_text(whole[:100])
        case _:
            file.write_text(whole.replace("accuracy >= 0.5", "accuracy >= 0.1"))
    assert run.read_plan() == json.loads(whole)
    words = f"{file.name} of {run.name} was "
    assert any(words in one.en for one in read_facts(run.path).warnings)
    korean = f"{run.name}의 {file.name} 파일이 "
    assert any(one.ko.startswith(korean) for one in read_facts(run.path).warnings)
    watcher = Watcher()
    assert carry(asked, watcher).how == "shown"
    assert any(line.startswith(f"warning: {words}") for line in watcher.said)
    assert json.loads(file.read_text()) == json.loads(whole)
    # Said once.
    again = Watcher()
    assert carry(repository, again).how == "updated"
    assert not any(words in line for line in again.said)


def test_the_time_of_a_result_is_that_of_its_training(repository: Repository) -> None:
    before = Run(repository.root / "runs" / repository.name).read_state().clock.seconds
    result = carry(with_policy(repository, GATES), Watcher())
    assert result.state.clock.seconds == before


def test_a_format_that_is_asked_for_later_is_exported(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter_with_onnx(repository.root, monkeypatch)
    before, watcher = model_sum(repository, repository.name), Watcher()
    result = carry(with_policy(repository, ONNX), watcher)
    assert begun(watcher) == ["data", "export", "report"]
    assert "same result, other policy: onnx to be exported" in watcher.said
    assert set(result.state.exports) == {"safetensors", "onnx"}
    assert (result.run.path / "model" / "model.onnx").is_file()
    assert model_sum(repository, repository.name) == before
    # And gone where it is asked for no longer.
    result = carry(repository, watcher)
    assert "same result, other policy: onnx to be removed" in watcher.said
    assert set(result.state.exports) == {"safetensors"}
    assert not (result.run.path / "model" / "model.onnx").exists()


def test_a_policy_that_cannot_be_applied_leaves_the_result_as_it_was(
    repository: Repository,
) -> None:
    run = Run(repository.root / "runs" / repository.name)
    before = run.read_state()
    # The toy adapter writes no ONNX.
    result = carry(with_policy(repository, ONNX), Watcher())
    assert result.outcome is not None and result.outcome.ending == "refused"
    assert "cannot write onnx" in (result.outcome.message or "")
    after = run.read_state()
    same = replace(after, seq=before.seq, told=before.told, clock=before.clock)
    assert replace(same, undone_update=None) == before
    # It leaves a trace: what it was, and why it came to nothing.
    completion = name_completion(run.name, with_policy(repository, ONNX).plan)
    words = f"{completion} was refused, and the result stays as it was: "
    assert after.undone_update is not None
    assert after.undone_update.en.startswith(words)
    assert "cannot write onnx" in after.undone_update.en
    assert after.undone_update in read_facts(run.path).warnings
    shown = CliRunner().invoke(status, [run.name, "--runs", str(repository.root / "runs")])
    assert f"warning: {completion} was refused" in shown.output
    assert plan_from_json(run.read_plan()) == repository.planned
    assert read_trained_plan(run) == repository.planned
    assert carry(repository, Watcher()).how == "shown"
    # Gone with the next one that is applied.
    assert carry(with_policy(repository, GATES), Watcher()).state.undone_update is None


@pytest.mark.parametrize(("field", "value"), [("cpus", 3), ("memory", "3Gi"), ("gpuType", "t4")])
def test_what_could_only_have_had_its_effect_before_is_refused(
    repository: Repository, field: str, value: object
) -> None:
    resources = {**repository.plan["resources"], field: value}
    with pytest.raises(Refused, match=rf"resources\.{field} .* can no longer be changed"):
        carry(with_policy(repository, {"resources": resources}), Watcher())
    assert carry(repository, Watcher()).how == "shown"


def test_another_image_of_the_same_build_is_nobodys_wish(repository: Repository) -> None:
    framework = {**repository.plan["framework"], "imageDigest": "sha256:" + "e" * 64}
    assert carry(with_policy(repository, {"framework": framework}), Watcher()).how == "shown"


@pytest.mark.parametrize("bar", ["the completion's file", "what an adapter told"])
def test_a_completion_that_cannot_begin_leaves_the_run_as_it_is(
    repository: Repository, bar: str
) -> None:
    asked, run = with_policy(repository, GATES), Run(repository.root / "runs" / repository.name)
    before = (run.path / "events.jsonl").read_bytes()
    # As a full disk: the name is taken by what no file can replace.
    completion = f"{name_completion(run.name, asked.plan)}.json"
    barred = run.path / (completion if bar == "the completion's file" else OUTPUT_FILE)
    barred.unlink(missing_ok=True)
    barred.mkdir()
    if bar == "what an adapter told":
        (run.path / ".printed-train.log").write_bytes(b"0\nlast words\n")
    with pytest.raises(OSError, match="directory"):
        carry(asked, Watcher())
    assert (run.path / "events.jsonl").read_bytes() == before
    assert carry(repository, Watcher()).how == "shown"
    barred.rmdir()
    assert carry(asked, Watcher()).how == "updated"


# Killed in the middle.


class Killed(BaseException):
    """As if the process ended here."""


def killed_at(repository: Repository, point: Callable[[Any], bool], watcher: Watcher) -> None:
    """Carry out until an event, after which nothing more is written."""

    def told(event: Any, state: Any) -> None:
        watcher.told(event, state)
        if point(event):
            raise Killed

    local = a_local(repository, watcher, told=told)
    with pytest.raises(Killed):
        local.run(repository.planned, RunOptions(), "vtspec run shapes")


@pytest.mark.parametrize("point", ["run.updated", "step.started", "report.written"])
def test_a_kill_in_the_middle_is_gone_on_with_by_asking_again(
    repository: Repository, point: str
) -> None:
    asked, run = with_policy(repository, GATES), Run(repository.root / "runs" / repository.name)
    killed_at(asked, lambda event: event.kind == point, Watcher())
    events = (run.path / "events.jsonl").read_text().splitlines(keepends=True)
    last = max(n for n, line in enumerate(events) if f'"kind":"{point}"' in line)
    (run.path / "events.jsonl").write_text("".join(events[: last + 1]))
    assert run.read_state().has_result
    result = carry(asked, Watcher())
    assert result.outcome is not None and result.outcome.is_good
    assert result.how == "updated"
    assert plan_from_json(run.read_plan()) == asked.planned
    assert [run.name for run in repository.runs.list_runs()] == [repository.name]
    assert carry(asked, Watcher()).how == "shown"


def test_after_a_kill_a_third_policy_may_be_asked_for(repository: Repository) -> None:
    run = Run(repository.root / "runs" / repository.name)
    killed_at(with_policy(repository, GATES), lambda event: event.kind == "run.updated", Watcher())
    third = with_policy(repository, DESCRIBED)
    assert carry(third, Watcher()).how == "updated"
    assert plan_from_json(run.read_plan()) == third.planned


# A run that is not over.


def test_a_resumed_run_goes_on_with_the_policy_that_is_asked_for_now(tmp_path: Path) -> None:
    repository = a_repository(tmp_path)
    carry(repository, Watcher(stop_at="train.epoch"))
    resources = {**repository.plan["resources"], "memory": "3Gi"}
    asked = with_policy(repository, {**GATES, "resources": resources})
    result = carry(asked, Watcher(), resume=True)
    assert result.outcome is not None and result.outcome.is_good
    # No completion: it is the plan of what is still to be trained.
    assert list_completions(result.run) == []
    assert read_trained_plan(result.run) == asked.planned
