"""Models that are named by hub ids, or start from what a hub or a site holds: what pins them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from loopback import json_of, running
from plan_repository import HASH, a_repository
from vtspec.pipelines.planning.plan import build_plan
from vtspec.pipelines.planning.plan_model import Plan, plan_from_json
from vtspec.pipelines.planning.resolve import ModelSources, resolve_spec
from vtspec.pipelines.project.overrides import parse_overrides
from vtspec.pipelines.project.repository import find_repository
from vtspec.pipelines.weights.hub import Hub
from vtspec.pipelines.weights.model import HubWeights, UnpinnedWeights

COMMIT = "0123456789abcdef0123456789abcdef01234567"

DETR = "PekingU/rtdetr_r50vd"

DATASETS = {
    "street": f"""\
  tasks: [object-detection]
  format: coco
  source: {{path: data/street}}
  contentHash: "md5:{HASH}"
  classes: [car, person]
  splits: {{train: {{path: a, annotations: a.json}}, val: {{path: b, annotations: b.json}}}}
  statistics: {{images: 30, splits: {{train: {{images: 20}}, val: {{images: 10}}}}}}
""",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = a_repository(tmp_path / "repository")
    for name, spec in DATASETS.items():
        head = f"apiVersion: vtspec.dev/v1alpha1\nkind: Dataset\nmetadata: {{name: {name}}}\n"
        (made / f"specs/datasets/{name}.yaml").write_text(f"{head}spec:\n{spec}")
    return made


def a_spec(root: Path, task: str, model: str, dataset: str, more: str = "") -> Path:
    path = root / "specs/experiments/new.yaml"
    path.write_text(f"""\
apiVersion: vtspec.dev/v1alpha1
kind: Experiment
metadata: {{name: new}}
spec:
  task: {task}
  model: {model}
  dataset: {{ref: {dataset}}}
  training: {{epochs: 2, batchSize: 8}}
{more}""")
    return path


def planned(path: Path, hub: Hub, *sets: str) -> Plan:
    workspace = find_repository(path.parent)
    return build_plan(*resolve_spec(path, workspace, parse_overrides(sets), ModelSources(hub=hub)))


def away(tmp_path: Path) -> Hub:
    return Hub(endpoint="http://127.0.0.1:9", cache=tmp_path / "no-cache", offline=True)


def vtspec(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from vtspec.cli.main import main; main()", *words]
    hub = {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(root / "no-cache")}
    return subprocess.run(
        command, cwd=root, env=os.environ | hub, capture_output=True, text=True, check=False
    )


def test_a_detector_of_ultralytics_is_planned_with_its_licence_and_weights(
    root: Path, tmp_path: Path
) -> None:
    path = a_spec(root, "object-detection", "{name: yolo11n, pretrained: true}", "street")
    made = planned(path, away(tmp_path))
    assert (made.framework.name, made.framework.adapter_version) == ("ultralytics", "1")
    assert made.training.image_size == (640, 640)
    assert made.training.checkpoint.monitor == "mAP50-95"
    assert isinstance(made.model.weights, UnpinnedWeights)
    assert made.model.weights.source.endswith("/yolo11n.pt")
    told = " / ".join(made.warnings)
    assert "the framework ultralytics is under AGPL-3.0" in told
    assert "are under agpl-3.0, which is not clearly permissive" in told
    assert made.estimate.seconds is not None
    untrained = planned(path, away(tmp_path), "model.pretrained=false")
    assert (untrained.model.weights, untrained.model.unpinned) == (None, None)
    assert plan_from_json(made.to_json()) == made


def test_a_hub_id_is_resolved_to_the_commit_that_the_hub_names(root: Path, tmp_path: Path) -> None:
    path = a_spec(root, "object-detection", f"{{name: {DETR}, pretrained: true}}", "street")
    with running() as server:
        server.answer = json_of({"sha": COMMIT, "cardData": {"license": "apache-2.0"}})
        hub = Hub(endpoint=server.endpoint, cache=tmp_path / "no-cache")
        made = planned(path, hub)
        untrained = planned(path, hub, "model.pretrained=false")
    assert server.asked == [f"/api/models/{DETR}"] * 2
    at = HubWeights(id=DETR, revision=COMMIT, licence="apache-2.0")
    assert (made.model.weights, made.model.configuration) == (at, None)
    assert (untrained.model.weights, untrained.model.configuration) == (None, at)
    assert made.model.unpinned is None and made.id != untrained.id
    assert made.framework.name == "transformers"
    assert [one for one in made.warnings if "pinned" in one or "licence" in one] == []


def test_without_the_hub_a_plan_is_made_that_says_it_cannot_be_run(
    root: Path, tmp_path: Path
) -> None:
    path = a_spec(root, "object-detection", f"{{name: {DETR}, pretrained: true}}", "street")
    made = planned(path, away(tmp_path))
    assert made.model.weights == UnpinnedWeights(source=f"hf-hub:{DETR}", licence="unknown")
    assert any("can be neither approved nor run" in one for one in made.warnings)


def test_any_other_hub_id_is_planned_on_trust(root: Path, tmp_path: Path) -> None:
    path = a_spec(root, "object-detection", "{name: me/my-net, pretrained: true}", "street")
    made = planned(path, away(tmp_path))
    assert (made.framework.name, made.model.parameters) == ("transformers", None)
    assert made.training.image_size is None
    assert any("no catalog lists 'me/my-net'" in one for one in made.warnings)


def test_a_plan_that_is_not_pinned_is_not_run(root: Path, tmp_path: Path) -> None:
    sets = ("--set", "model.pretrained=true")
    ran = vtspec(root, "run", "deep", "--no-tracking", *sets)
    assert ran.returncode == 75
    assert "which commit of hf-hub:timm/resnet18.a1_in1k" in ran.stderr
    assert not (root / "runs").exists()
    file = tmp_path / "plan.json"
    file.write_text(vtspec(root, "plan", "deep", *sets, "--output", "json").stdout)
    step = ("--plan", str(file), "--workdir", str(tmp_path / "run"), "--attempt", "1")
    done = vtspec(root, "step", "train", *step)
    assert done.returncode == 75
    assert "which commit of hf-hub:timm/resnet18.a1_in1k" in done.stderr
