"""Models of a hub: what of them is fetched, at which commit, and what becomes of it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForObjectDetection

from detection_repository import NAME, a_detection_repository, run_vtspec
from detector_jobs import SHAPES
from hub_server import HubRepository, HubServer, serving
from toy_runs import ADAPTERS
from vtspec.adapters.transformers.architectures import describe_architecture

pytestmark = pytest.mark.slow

COMMIT, LATER = "a" * 40, "b" * 40

MODELS = ("own", "others", "renamed", "mixed")

OTHERS = ("bird", "fish", "newt", "frog", "toad")


def publish(folder: Path, architecture: str, classes: tuple[str, ...]) -> None:
    """The files of a model as its makers publish it: in half precision, with 17 queries."""
    config = describe_architecture(architecture)
    config.id2label = dict(enumerate(classes))
    queries = "num_queries" if hasattr(config, "num_queries") else "num_detection_tokens"
    setattr(config, queries, 17)
    auto: Any = AutoModelForObjectDetection
    auto.from_config(config).half().save_pretrained(folder)


def read_files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models `acme/…`, of our classes, of more and of as many others, and one whose weights are
    another model's."""
    folder = tmp_path_factory.mktemp("published")
    tiny, own, mixed = "vtspec/rt-detr-v2-tiny", folder / "acme/own", folder / "acme/mixed"
    publish(own, tiny, SHAPES)
    publish(folder / "acme/others", tiny, OTHERS)
    publish(folder / "acme/renamed", tiny, OTHERS[: len(SHAPES)])
    publish(mixed, "vtspec/yolos-tiny", SHAPES)
    shutil.copy(own / "config.json", mixed)
    return folder


LOAD = """\
import json, sys
from pathlib import Path

from safetensors.torch import load_file

from detector_jobs import a_detector_plan
from toy_runs import Listener
from vtspec.adapters.contract import AdapterError
from vtspec.adapters.job import build_job
from vtspec.adapters.transformers.adapter import Adapter


def look(name, part, revision):
    at = {"type": "hub", "id": name, "revision": revision}
    model = {"name": name, "parameters": None, "weights": None, part: at}
    plan, listener = {**a_detector_plan(), "model": model}, Listener()
    job = build_job(plan, run="r-0123456789", attempt=1, data_root=place, workdir=place)
    adapter = Adapter(job, listener)
    try:
        adapter.prepare_model()
    except AdapterError as error:
        return {"refused": str(error), "fix": error.fix}
    theirs = load_file(place / name / "model.safetensors")
    shared = [(n, p, theirs[n]) for n, p in adapter.model.named_parameters() if n in theirs]
    same = {n: p.shape == q.shape and bool((p == q.float()).all()) for n, p, q in shared}
    heads = {n for n in same if "class_embed" in n or "enc_score_head" in n}
    return {
        "queries": adapter.model.config.num_queries,
        "types": sorted({str(p.dtype) for p in adapter.model.parameters()}),
        "heads": sorted({same[n] for n in heads}),
        "rest": sum(same[n] for n in same if n not in heads) / (len(same) - len(heads)),
        "warnings": listener.of("warning"),
    }


place = Path(sys.argv[1])
print(json.dumps([look(*one) for one in json.loads(sys.argv[2])]))
"""


def load(hub: HubServer, published: Path, *asked: tuple[str, str, str]) -> list[dict[str, Any]]:
    """What an adapter makes of models of the hub, each (id, part of the plan, revision), in a
    process of its own: libraries read once where their hub is."""
    support = Path(__file__).parents[2] / "support"
    paths = [ADAPTERS, support, *(ADAPTERS.parent / one for one in ("schema", "pipelines"))]
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(published), json.dumps(asked)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "HF_ENDPOINT": hub.endpoint,
            "HF_HOME": str(published / "cache"),
            "HF_HUB_OFFLINE": "0",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    told: list[dict[str, Any]] = json.loads(done.stdout)
    return told


def test_what_a_hub_has_is_taken_at_its_commit_but_for_heads_of_other_classes(
    published: Path,
) -> None:
    with serving() as hub:
        for folder in (published / "acme").iterdir():
            versions = {COMMIT: read_files(folder), LATER: {}}
            hub.repositories[f"acme/{folder.name}"] = HubRepository(versions)
        # First, and of this one alone: weights that start at random are not fetched.
        (bare,) = load(hub, published, ("acme/own", "configuration", COMMIT))
        assert hub.list_files() == {f"{COMMIT}/config.json"}
        own, others, renamed, mixed, gone = load(
            hub,
            published,
            *((name, "weights", COMMIT) for name in map("acme/{}".format, MODELS)),
            ("acme/own", "weights", "c" * 40),
        )
        at_commit = {f"{COMMIT}/config.json", f"{COMMIT}/model.safetensors"}
        assert hub.list_files() - at_commit == {f"{'c' * 40}/config.json"}
    taken = {"queries": 17, "types": ["torch.float32"], "warnings": []}
    # Of random weights those of norms are as they were published.
    assert bare == {**taken, "heads": [False], "rest": bare["rest"]} and bare["rest"] < 0.7
    assert own == {**taken, "heads": [True], "rest": 1.0}
    for name, found in (("others", others), ("renamed", renamed)):
        told = f"acme/{name} was trained for other classes: the heads start at random"
        assert found == {**taken, "heads": [False], "rest": 1.0, "warnings": [told]}
    assert "acme/mixed does not fit acme/mixed: '" in mixed["refused"] and mixed["fix"]
    assert "the configuration of acme/own cannot be had" in gone["refused"] and gone["fix"]


def test_a_model_of_a_hub_is_planned_run_and_asked_where_the_hub_is_gone(
    published: Path, tmp_path: Path
) -> None:
    model = {"name": "acme/own", "pretrained": True}
    root = a_detection_repository(tmp_path, model, framework="transformers")
    with serving() as hub:
        hub.repositories["acme/own"] = HubRepository(
            {COMMIT: read_files(published / "acme/own")}, licence="mit", token="secret"
        )
        variables = {"HF_ENDPOINT": hub.endpoint, "HF_HUB_OFFLINE": "0", "HF_TOKEN": "secret"}
        planned = run_vtspec(root, "plan", NAME, "--output", "json", **variables)
        assert planned.returncode == 0, planned.stderr
        at = {"type": "hub", "id": "acme/own", "revision": COMMIT, "licence": "mit"}
        assert json.loads(planned.stdout)["model"]["weights"] == at
        ran = run_vtspec(
            root, "run", NAME, "--no-tracking", "--environment", "current", **variables
        )
        assert ran.returncode == 0, ran.stderr
        assert hub.list_files() == {f"{COMMIT}/config.json", f"{COMMIT}/model.safetensors"}
        told = [agent for agent in hub.agents if "transformers" in agent]
        assert told and all("telemetry/off" in agent for agent in told)
    image = root / "data/shapes/test/0.png"
    asked = run_vtspec(root, "predict", NAME, str(image), "--environment", "current")
    assert asked.returncode == 0, asked.stderr
    rows = asked.stdout.splitlines()
    assert len(rows) == 4 and rows[3].split()[0] == "and"
    label, confidence, *corners = rows[0].removeprefix(str(image)).split()[-6:]
    assert label in SHAPES and 0 < float(confidence) < 1
    assert all(0 <= int(corner) <= 64 for corner in corners)
