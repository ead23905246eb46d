"""Models whose adapters are to come: their specs are checked and planned, and never run."""

import json
import subprocess
from pathlib import Path

import pytest

from framework_to_come import CLASSIFIER, NAME, TOLD, WRITER, run_vtspec, using, write_frameworks
from plan_repository import HASH, a_repository
from vtspec.pipelines.catalog import find_training_problem, load_frameworks
from vtspec.pipelines.operations.frameworks import describe_environment
from vtspec.pipelines.planning.plan import build_plan
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.planning.resolve import resolve_spec
from vtspec.pipelines.project.repository import find_repository

CHAT = f"""\
apiVersion: vtspec.dev/v1alpha1
kind: Dataset
metadata: {{name: chat}}
spec:
  tasks: [text-generation]
  format: jsonl
  source: {{path: data/chat}}
  contentHash: "md5:{HASH}"
  splits: {{train: {{path: ., annotations: a.jsonl}}, val: {{path: ., annotations: b.jsonl}}}}
"""


@pytest.fixture(scope="module")
def frameworks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_frameworks(tmp_path_factory.mktemp("frameworks") / "images")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = a_repository(tmp_path / "repository")
    (made / "specs/datasets/chat.yaml").write_text(CHAT)
    return made


def a_spec(root: Path, task: str, model: str, dataset: str, more: str = "") -> Path:
    path = root / "specs/experiments/new.yaml"
    path.write_text(f"""\
apiVersion: vtspec.dev/v1alpha1
kind: Experiment
metadata: {{name: new}}
spec:
  task: {task}
  model: {{name: {model}}}
  dataset: {{ref: {dataset}}}
  training: {{epochs: 2, batchSize: 8}}
{more}""")
    return path


def planned(frameworks: Path, path: Path) -> Plan:
    with using(frameworks):
        return build_plan(*resolve_spec(path, find_repository(path.parent)))


def test_a_model_of_language_has_no_image_size(frameworks: Path, root: Path) -> None:
    made = planned(frameworks, a_spec(root, "text-generation", WRITER, "chat"))
    assert made.training.image_size is None
    assert (made.task, made.dataset.classes) == ("text-generation", ())
    assert (made.framework.adapter_version, made.model.weights) == ("0", None)


def test_settings_are_kept_and_warned_of(frameworks: Path, root: Path) -> None:
    params = "  params: {mosaic: 0.5}\n"
    made = planned(frameworks, a_spec(root, "image-classification", CLASSIFIER, "digits", params))
    assert made.params == {"mosaic": 0.5}
    assert any("the adapter of lantern is not installed" in one for one in made.warnings)


def test_a_task_that_an_adapter_does_not_do_yet_is_planned_as_of_an_adapter_to_come(
    tmp_path: Path, root: Path
) -> None:
    frameworks = write_frameworks(tmp_path / "images")
    image = frameworks / NAME / "image.yaml"
    told = image.read_text().replace(f"adapter: {NAME}", "adapter: toy").replace('"0"', '"1"')
    image.write_text(f"{told}trainedTasks: [image-classification]\n")
    made = planned(
        frameworks, a_spec(root, "text-generation", WRITER, "chat", "  params: {a: 1}\n")
    )
    assert (made.framework.name, made.framework.adapter_version) == (NAME, "0")
    assert made.params == {"a": 1}
    said = f"cannot be trained here: the adapter for {NAME} does not train text-generation"
    assert any(said in one for one in made.warnings)


def test_no_task_of_it_is_trained_and_what_is_elsewhere_is_named(frameworks: Path) -> None:
    with using(frameworks):
        far = load_frameworks()["lantern"]
        ((told, fix),) = {
            (problem.message, problem.fix)
            for model in (None, far.model(CLASSIFIER))
            if (problem := find_training_problem(far, model, "image-classification"))
        }
    assert told == TOLD
    assert fix == "vtspec models search --task image-classification --framework timm"


def test_in_what_it_would_run_is_not_told(frameworks: Path, tmp_path: Path) -> None:
    with using(frameworks):
        assert describe_environment("lantern", {"VTSPEC_CACHE": str(tmp_path)}) is None


def test_it_has_no_image_to_build(frameworks: Path, tmp_path: Path) -> None:
    done = run_vtspec(frameworks, tmp_path, "images", "build", "lantern")
    assert (done.returncode, done.stdout) == (2, "")
    assert "lantern has no image yet: its adapter is to come\n" in done.stderr


def test_validate_accepts_it_plan_shows_it_and_run_refuses_it(
    frameworks: Path, root: Path
) -> None:
    def vtspec(*words: str) -> "subprocess.CompletedProcess[str]":
        return run_vtspec(frameworks, root, *words)

    a_spec(root, "text-generation", WRITER, "chat")
    checked = vtspec("validate", "specs")
    assert checked.returncode == 0
    assert f"cannot be trained here: {TOLD}" in checked.stdout
    shown = vtspec("plan", "new")
    assert shown.returncode == 0
    told = shown.stdout[shown.stdout.index("it cannot be carried out here:") :]
    assert TOLD in " ".join(told.split())
    assert "fix: " in told
    assert "vtspec apply" not in shown.stdout
    ran = vtspec("run", "new", "--no-tracking")
    assert ran.returncode == 4
    assert TOLD in ran.stderr
    assert "nothing here trains text-generation yet" in ran.stderr
    # Told before anybody is asked, who would have said yes to nothing.
    asked = vtspec("apply", "new", "--no-tracking")
    assert asked.returncode == 4
    assert "nobody is there" not in asked.stderr
    assert not (root / "runs").exists()


def test_a_step_of_it_fails_in_words(frameworks: Path, root: Path, tmp_path: Path) -> None:
    a_spec(root, "text-generation", WRITER, "chat")
    file, folder = tmp_path / "plan.json", tmp_path / "run"
    file.write_text(run_vtspec(frameworks, root, "plan", "new", "--output", "json").stdout)
    assert json.loads(file.read_text())["model"]["weights"] is None
    step = ("step", "train", "--plan", str(file), "--workdir", str(folder), "--attempt", "1")
    done = run_vtspec(frameworks, root, *step)
    assert done.returncode == 4
    assert TOLD in done.stderr
