"""Every experiment is a DVC stage, and DVC compares the results of two commits."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from dvc_repositories import command, dvc_repository, write_files
from vtspec.adapters.data.content_hash import hash_content
from vtspec.pipelines.data.dvc_cli import run_dvc
from vtspec.pipelines.data.sample_digits import write_digits
from vtspec.pipelines.data.samples.datasets import WRITERS
from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.reporting.dvc_metrics import FILES
from vtspec.schema.kinds.tasks import CLASSLESS_TASKS

ROOT = Path(__file__).parents[2]

TOY = """\
apiVersion: vtspec.dev/v1alpha1
kind: Experiment
metadata:
  name: digits-toy
spec:
  task: image-classification
  framework: toy
  model: {name: softmax-regression}
  dataset: {ref: digits}
  training:
    epochs: 1
    batchSize: 64
    learningRate: 0.1
    imageSize: 8
    workers: 0
    optimizer: sgd
    augmentation: none
  resources: {gpus: 0, cpus: 1, memory: 2Gi, maxDuration: 10m}
"""


def stages() -> dict[str, dict[str, Any]]:
    """What is done for each experiment: its name, and its stage with names filled in."""
    declared = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    found = {}
    for name, stage in declared.items():
        each = stage.get("foreach", []) if name != "sample" else []
        for key in each:
            values = each[key] if isinstance(each, dict) else {}
            text = json.dumps(stage["do"]).replace("${key}", key).replace("${item}", key)
            for item, value in values.items():
                text = text.replace(f"${{item.{item}}}", value)
            found[key] = {"stage": name, **json.loads(text)}
    return found


def specs() -> dict[str, dict[str, Any]]:
    files = sorted((ROOT / "specs" / "experiments").glob("*.yaml"))
    assert files
    return {path.stem: yaml.safe_load(path.read_text()) for path in files}


def test_every_experiment_is_a_stage() -> None:
    assert sorted(stages()) == sorted(specs())


@pytest.mark.parametrize("name", sorted(specs()))
def test_a_stage_runs_its_spec_and_leaves_its_results(name: str) -> None:
    stage = stages()[name]
    assert f"specs/experiments/{name}.yaml --results results/{name}" in stage["cmd"]
    assert stage["params"] == [{f"specs/experiments/{name}.yaml": None}]
    outputs = {
        path: options for out in stage["metrics"] + stage["plots"] for path, options in out.items()
    }
    # Those of a task without classes have nothing to plot of them.
    has_classes = specs()[name]["spec"]["task"] not in CLASSLESS_TASKS
    files = FILES if has_classes else ("metrics.json", "epochs.csv")
    assert sorted(outputs) == sorted(f"results/{name}/{file}" for file in files)
    # In git, not in DVC's cache: a clone can compare without fetching anything.
    assert all(options["cache"] is False for options in outputs.values())


@pytest.mark.parametrize("name", sorted(specs()))
def test_a_stage_depends_on_what_decides_its_result(name: str) -> None:
    spec, stage = specs()[name]["spec"], stages()[name]
    dataset = yaml.safe_load((ROOT / f"specs/datasets/{spec['dataset']['ref']}.yaml").read_text())
    needed = {
        dataset["spec"]["source"]["dvc"]["path"],
        f"specs/datasets/{spec['dataset']['ref']}.yaml",
        f"images/{spec['framework']}/requirements.txt",
    }
    baseline = spec.get("report", {}).get("baseline")
    if baseline:
        needed.add(f"results/{baseline}/metrics.json")
    assert set(stage["deps"]) == needed


def test_dvc_reads_the_pipeline() -> None:
    listed = run_dvc(ROOT, ["stage", "list", "--name-only"]).split()
    runs = (f"{stage['stage']}@{name}" for name, stage in stages().items())
    assert listed == ["digits", *(f"sample@{name}" for name in WRITERS), *runs]


def test_the_lock_is_that_of_the_builder_as_it_is() -> None:
    locked = yaml.safe_load((ROOT / "dvc.lock").read_text())["stages"]["digits"]["deps"]
    # Where this fails: dvc repro digits, and commit dvc.lock.
    assert {dep["path"]: f"md5:{dep['md5']}" for dep in locked} == {
        dep["path"]: hash_content(ROOT / dep["path"]).hash for dep in locked
    }
    declared = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["digits"]["deps"]
    assert sorted(dep["path"] for dep in locked) == sorted(declared)


def test_a_stage_that_is_not_there_is_refused_with_dvcs_own_words() -> None:
    with pytest.raises(Permanent, match="dvc stage failed: ERROR: ") as caught:
        run_dvc(ROOT, ["stage", "list", "no-such-stage"])
    assert caught.value.fix == "dvc stage list no-such-stage -v    (shows why)"


def toy_repository(root: Path) -> Path:
    """The pipeline of this repository, with the toy framework in the place of timm."""
    dvc_repository(root)
    write_digits(root / "data" / "digits")
    command(root, "dvc", "add", "-q", "data/digits")
    (root / "specs" / "datasets").mkdir(parents=True)
    shutil.copy(ROOT / "specs" / "datasets" / "digits.yaml", root / "specs" / "datasets")
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    stage = pipeline["stages"]["baseline"]
    stage["foreach"] = {"digits-toy": {"data": "digits"}}
    stage["do"]["cmd"] += " --no-tracking"
    stage["do"]["deps"] = ["data/${item.data}"]
    pipeline = {"stages": {"baseline": stage}}
    write_files(
        root,
        {
            "dvc.yaml": yaml.safe_dump(pipeline).encode(),
            "specs/experiments/digits-toy.yaml": TOY.encode(),
            ".gitignore": b"/runs/\n",
        },
    )
    return root


@pytest.mark.slow
def test_dvc_compares_the_results_of_two_commits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VTSPEC_CACHE", str(tmp_path / "cache"))
    root = toy_repository(tmp_path / "repo")
    command(root, "dvc", "repro")
    command(root, "git", "add", "-A")
    command(root, "git", "commit", "-qm", "one epoch")
    spec = root / "specs" / "experiments" / "digits-toy.yaml"
    spec.write_text("# A comment changes nothing.\n" + spec.read_text())
    assert "didn't change, skipping" in command(root, "dvc", "repro", "baseline")
    spec.write_text(spec.read_text().replace("epochs: 1", "epochs: 4"))
    command(root, "dvc", "repro", "-q")
    metrics = json.loads(command(root, "dvc", "metrics", "diff", "--json"))
    accuracy = metrics["results/digits-toy/metrics.json"]["final.accuracy"]
    assert accuracy["new"] > accuracy["old"] > 0.2
    plots = json.loads(command(root, "dvc", "plots", "diff", "--json"))["data"]
    assert sorted(plots) == sorted(f"results/digits-toy/{name}" for name in FILES if "csv" in name)
    values = plots["results/digits-toy/epochs.csv"][0]["content"]["data"]["values"]
    assert [sum(row["rev"] == rev for row in values) for rev in ("HEAD", "workspace")] == [1, 4]
    # What DVC deletes before a stage is its outputs, never the runs.
    assert len(list((root / "runs").glob("digits-toy-*"))) == 2
