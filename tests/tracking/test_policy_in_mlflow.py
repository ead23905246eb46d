"""Another policy of a finished run arrives in MLflow: registered, told elsewhere, never failed."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from run_folders import EVALUATED, STARTED, SUCCEEDED, Told, a_plan, a_run_folder, an_epoch, append
from vtspec.pipelines.address import Address, parse_address
from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.runs import Run
from vtspec.pipelines.tracking import choose_tracking_uri, describe_registration, sync_run
from vtspec.pipelines.tracking.mlflow_client import make_client
from vtspec.pipelines.tracking.mlflow_upload import read_sync_state

pytestmark = pytest.mark.slow

RUN = "cats-0123456789"
COMPLETION = f"{RUN}-c012345"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    make_client(parse_address(f"sqlite:///{folder}/mlflow.db")).search_experiments()
    return folder / "mlflow.db"


@pytest.fixture
def run(tmp_path: Path, store: Path) -> Path:
    """A finished run that MLflow has."""
    shutil.copy(store, tmp_path / "mlflow.db")
    told = [STARTED, an_epoch(1), an_epoch(2), EVALUATED, SUCCEEDED]
    folder = a_run_folder(tmp_path, told, a_plan(tracking=tracking()))
    (folder / "model").mkdir()
    (folder / "model" / "model.safetensors").write_bytes(b"weights")
    sync_run(folder, uri_of(folder))
    return folder


def uri_of(folder: Path) -> Address:
    return choose_tracking_uri(folder.parent, None, {})


def tracking(experiment: str = "cats", name: str | None = "cat-model") -> dict[str, Any]:
    return {"experiment": experiment, "registerAs": name}


def an_update(sections: Mapping[str, object], *changed: str) -> Told:
    told = {"plan_digest": "new", "changed": changed, "sections": sections}
    return "run.updated", {**told, "completion": COMPLETION}


def update(folder: Path, sections: Mapping[str, object], *changed: str, end: Told) -> None:
    seq = len((folder / "events.jsonl").read_text().splitlines())
    append(folder, [an_update(sections, *changed), end], seq)
    sync_run(folder, uri_of(folder))


def versions(folder: Path, name: str) -> list[tuple[str | None, dict[str, str]]]:
    client = make_client(uri_of(folder))
    return [(v.run_id, dict(v.tags)) for v in client.search_model_versions(f"name='{name}'")]


def test_a_registration_that_is_asked_for_later_is_made(run: Path) -> None:
    update(run, {"tracking": tracking(name="dogs")}, "tracking.registerAs", end=SUCCEEDED)
    (made,) = versions(run, "dogs")
    (kept,) = versions(run, "cat-model")
    assert made[0] == kept[0]
    client = make_client(uri_of(run))
    assert client.get_model_version_by_alias("dogs", "challenger").run_id == made[0]


def test_other_updates_move_no_alias(run: Path) -> None:
    client = make_client(uri_of(run))
    client.delete_registered_model_alias("cat-model", "challenger")
    report = {"baseline": None, "gates": ["accuracy >= 0.5"]}
    (run / f"{COMPLETION}.json").write_text("{}")
    update(run, {"report": report}, "report.gates", end=SUCCEEDED)
    assert dict(client.get_registered_model("cat-model").aliases) == {}
    place = read_sync_state(run)
    assert place is not None and place.run_id is not None
    tags = client.get_run(place.run_id).data.tags
    assert (tags["vtspec.plan.digest"], tags["vtspec.completion"]) == ("new", COMPLETION)
    # The plan that trained stays, and the completion's lies beside it.
    artifacts = {file.path for file in client.list_artifacts(place.run_id)}
    assert artifacts >= {"plan.json", f"{COMPLETION}.json"}


def test_a_later_policy_leaves_a_model_registered_that_is(run: Path) -> None:
    registered = "registered as cat-model, version 1"
    assert describe_registration(Run(run)) == registered
    report = {"baseline": None, "gates": ["accuracy >= 0.5"]}
    seq = len((run / "events.jsonl").read_text().splitlines())
    append(run, [an_update({"report": report}, "report.gates")], seq)
    assert describe_registration(Run(run)) == registered
    append(run, [SUCCEEDED], seq + 1)
    assert describe_registration(Run(run)) == registered
    # Under another name it is not, until MLflow has heard of that.
    plan = a_plan(tracking=tracking(name="dogs"))
    (run / f"{COMPLETION}.json").write_text(json.dumps(plan))
    told = an_update({"tracking": tracking(name="dogs")}, "tracking.registerAs")
    append(run, [told], seq + 2)
    assert describe_registration(Run(run)) == "to be registered as dogs"
    append(run, [SUCCEEDED], seq + 3)
    assert "not registered as dogs yet" in str(describe_registration(Run(run)))
    sync_run(run, uri_of(run))
    assert describe_registration(Run(run)) == "registered as dogs, version 1"


def test_another_experiment_gets_the_run_as_a_whole(run: Path) -> None:
    before = read_sync_state(run)
    update(run, {"tracking": tracking("dogs")}, "tracking.experiment", end=SUCCEEDED)
    after, client = read_sync_state(run), make_client(uri_of(run))
    assert before is not None and after is not None and after.run_id is not None
    assert after.run_id != before.run_id
    experiment = client.get_experiment_by_name("dogs")
    assert experiment is not None
    assert client.get_run(after.run_id).info.experiment_id == experiment.experiment_id
    points = client.get_metric_history(after.run_id, "accuracy")
    assert [point.step for point in points] == [1, 2]


def test_in_another_experiment_the_model_stays_the_version_that_it_is(run: Path) -> None:
    client = make_client(uri_of(run))
    client.set_registered_model_alias("cat-model", "champion", "1")
    client.delete_registered_model_alias("cat-model", "challenger")
    update(run, {"tracking": tracking("dogs")}, "tracking.experiment", end=SUCCEEDED)
    assert 1 == len(versions(run, "cat-model"))
    assert {"champion": "1"} == {
        name: str(version)
        for name, version in client.get_registered_model("cat-model").aliases.items()
    }
    assert describe_registration(Run(run)) == "registered as cat-model, version 1"
    # And with another name, in a third one: that is asked for, and told anew from the beginning.
    both = ("tracking.experiment", "tracking.registerAs")
    update(run, {"tracking": tracking("elks", "elk-model")}, *both, end=SUCCEEDED)
    update(run, {"tracking": tracking("apes", "elk-model")}, both[0], end=SUCCEEDED)
    assert [1, 1] == [len(versions(run, name)) for name in ("cat-model", "elk-model")]


def test_a_later_version_of_another_run_is_told_of(run: Path) -> None:
    told = [STARTED, EVALUATED, SUCCEEDED]
    other = a_run_folder(run.parent, told, a_plan(id="cats-1111111111", tracking=tracking()))
    (other / "model").mkdir()
    (other / "model" / "model.safetensors").write_bytes(b"other")
    sync_run(other, uri_of(run))
    assert describe_registration(Run(run)) == (
        "registered as cat-model, version 1; version 2, of cats-1111111111, is later"
    )
    assert describe_registration(Run(other)) == "registered as cat-model, version 2"
    # Shown again, the first one stays what it is, and so does the alias.
    sync_run(run, uri_of(run))
    client = make_client(uri_of(run))
    assert "2" == str(client.get_model_version_by_alias("cat-model", "challenger").version)


def test_a_description_is_the_runs_note(run: Path) -> None:
    update(run, {"description": "Why not?"}, "description", end=SUCCEEDED)
    place = read_sync_state(run)
    assert place is not None and place.run_id is not None
    tags = make_client(uri_of(run)).get_run(place.run_id).data.tags
    assert tags["mlflow.note.content"] == "Why not?"


@pytest.mark.parametrize("ending", ["failed", "refused", "crashed", "interrupted", "stopped"])
def test_an_update_that_fails_leaves_the_run_finished(run: Path, ending: str) -> None:
    end = ("run.finished", {"ending": ending, "message": "no ONNX"})
    sections = {"export": {"formats": ["onnx"]}, "tracking": tracking("dogs")}
    update(run, sections, "export.formats", "tracking.experiment", end=end)
    place = read_sync_state(run)
    assert place is not None and place.run_id is not None
    found = make_client(uri_of(run)).get_run(place.run_id)
    assert found.info.status == "FINISHED"
    assert found.data.tags["vtspec.ending"] == "succeeded"
    assert found.data.tags["vtspec.update.message"] == "no ONNX"
    # Nothing of it is said to be so, and it is where it was.
    assert found.data.tags["vtspec.plan.digest"] != "new"
    assert "vtspec.completion" not in found.data.tags
    client = make_client(uri_of(run))
    assert client.get_experiment_by_name("dogs") is None
    # As it was told of a run: with all that can be asked for.
    back = {"report": {"gates": []}, "export": {"formats": []}, "tracking": tracking()}
    update(run, back, "report.gates", end=SUCCEEDED)
    tags = client.get_run(place.run_id).data.tags
    assert tags["vtspec.plan.digest"] == "new" and "vtspec.update.message" not in tags


@pytest.mark.parametrize("key", ["id", "digest", "dataset", "tracking", "name"])
def test_a_plan_that_lacks_a_part_is_told_and_not_a_traceback(tmp_path: Path, key: str) -> None:
    folder = a_run_folder(tmp_path, [STARTED])
    raw = json.loads((folder / "plan.json").read_text())
    del raw[key]
    (folder / "plan.json").write_text(json.dumps(raw))
    with pytest.raises(Permanent, match=rf"not a whole plan: KeyError.*{key}"):
        sync_run(folder, uri_of(folder))
