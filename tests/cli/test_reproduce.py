"""What a report says under "run it again", done in a fresh clone: same plan, same bytes."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from toy_runs import name_plan
from vtspec.cli.main import cli
from vtspec.pipelines.errors import Permanent, Refused
from vtspec.pipelines.project.scaffold import scaffold
from vtspec.pipelines.runs import Runs

pytestmark = pytest.mark.slow

TYPED = ("--set", "training.seed=5", "--set", "training.epochs=2")


def git(root: Path, *words: str) -> None:
    who = ("-c", "user.name=me", "-c", "user.email=me@example.org")
    subprocess.run(["git", "-C", str(root), *who, *words], check=True, capture_output=True)


def ran(*words: str) -> Any:
    return CliRunner().invoke(cli, list(words), standalone_mode=False)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a commit, and a run of one of its specs with other values."""
    root = tmp_path_factory.mktemp("original") / "mine"
    scaffold(root, "mine", lambda line: None, lambda name: None)
    if not (root / ".git").exists():
        git(root.parent, "init", str(root))
    git(root, "add", "--all")
    git(root, "commit", "-m", "Begin")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        result = ran("run", "shapes-short", *TYPED, "--no-tracking")
        assert result.return_value == 0, result.output
    return root


@pytest.fixture
def clone(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    git(tmp_path, "clone", str(original), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    return tmp_path / "clone"


def only_run(root: Path) -> Path:
    (run,) = Runs(root / "runs").list_runs()
    return run.path


def model_of(root: Path) -> bytes:
    return (only_run(root) / "model" / "model.safetensors").read_bytes()


def commands_of(run: Path) -> list[str]:
    block = re.search(r"## Run it again\n\n```sh\n(.*?)```", (run / "report.md").read_text(), re.S)
    assert block is not None
    return block[1].splitlines()


def test_what_the_report_says_makes_the_same_plan_and_the_same_bytes(
    original: Path, clone: Path
) -> None:
    # A later commit changes the spec, as it would.
    spec = clone / "specs" / "experiments" / "shapes-short.yaml"
    spec.write_text(spec.read_text().replace("learningRate: 0.05", "learningRate: 0.5"))
    git(clone, "commit", "--all", "-m", "Try another rate")
    for line in commands_of(only_run(original)):
        program, *words = shlex.split(line, comments=True) or ["#"]
        if program == "git":
            git(clone, *words)
        elif program == "vtspec" and words[0] == "run":
            assert ran(*words, "--no-tracking").return_value == 0
        elif program == "vtspec" and words[0] == "report":
            named = [word for word in words[1:] if word != "--open"]
            shown = ran("report", *named, "--output", "html-path")
            assert Path(shown.stdout.strip()).parent == only_run(clone)
    assert only_run(clone).name == only_run(original).name
    assert model_of(clone) == model_of(original)


def test_a_runs_own_plan_makes_the_same_run_whatever_the_spec_says_now(
    original: Path, clone: Path
) -> None:
    (clone / "specs" / "experiments" / "shapes-short.yaml").unlink()
    shutil.copy(only_run(original) / "plan.json", clone)
    result = ran("run", "--plan", "plan.json", "--again", "--no-tracking")
    assert result.return_value == 0, result.output
    assert only_run(clone).name == only_run(original).name
    assert model_of(clone) == model_of(original)
    # And by the name of the run, from then on.
    again = ran("run", only_run(clone).name, "--no-tracking")
    assert "this plan has been carried out" in again.stderr


def test_what_the_report_says_of_files_that_differ_is_typed_at_the_root(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "copy"
    shutil.copytree(original, root)
    (root / "specs" / "experiments" / "new.txt").write_text("not committed")
    spec = root / "specs" / "experiments" / "shapes-short.yaml"
    spec.write_text(spec.read_text().replace("learningRate: 0.05", "learningRate: 0.06"))
    monkeypatch.chdir(root)
    assert ran("run", "shapes-short", "--no-tracking").return_value == 0
    run = Runs(root / "runs").list_runs()[-1]
    (line,) = [one for one in commands_of(run.path) if one.startswith("vtspec run --plan ")]
    assert shlex.split(line)[3] == f"runs/{run.name}/plan.json"
    assert ran(*shlex.split(line)[1:], "--no-tracking").return_value == 0
    assert Runs(root / "runs").list_runs()[-1].name == f"{run.name}-2"


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--plan", "nothere.json"),
        ("apply", "--plan", "nothere.json", "--yes"),
        ("run", "--plan", "vtspec.yaml/plan.json"),
        ("step", "train", "--plan", "nothere.json", "--workdir", "there"),
    ],
)
def test_a_plan_that_is_not_there_is_told_as_missing(
    original: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(original)
    error = ran(*words).exception
    assert isinstance(error, Refused)
    assert "there is no such file" in error.message and "is not a plan" not in error.message


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run",), "name either a SPEC or a plan's file"),
        (("run", "shapes", "--plan", "plan.json"), "name either a SPEC or a plan's file"),
        (("run", "--plan", "plan.json", *TYPED), "--set would make it another plan"),
        (("apply", "--plan", "plan.json", *TYPED), "--set would make it another plan"),
        (("run", "RUN", *TYPED), "--set would make it another plan"),
        (("run", "RUN", "--resume", *TYPED), "--set would make it another plan"),
    ],
)
def test_what_could_have_no_effect_on_a_plan_that_was_made_is_refused(
    original: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], told: str
) -> None:
    run = only_run(original)
    monkeypatch.chdir(original)
    named = [{"plan.json": str(run / "plan.json"), "RUN": run.name}.get(w, w) for w in words]
    result = ran(*named)
    assert isinstance(result.exception, click.UsageError)
    assert told in result.exception.message


def test_a_plan_of_other_versions_is_not_run_under_its_name(original: Path, clone: Path) -> None:
    raw = json.loads((only_run(original) / "plan.json").read_text())
    for name, value in (("adapterVersion", "0"), ("requirementsHash", "sha256:" + "0" * 64)):
        other = name_plan({**raw, "framework": {**raw["framework"], name: value}})
        (clone / "plan.json").write_text(json.dumps(other))
        result = ran("run", "--plan", "plan.json", "--no-tracking")
        assert isinstance(result.exception, Refused)
        assert value in str(result.exception)


@pytest.mark.parametrize("resumed", [True, False])
def test_a_run_whose_plan_was_edited_is_not_carried_out(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resumed: bool
) -> None:
    root = shutil.copytree(original, tmp_path / "copy")
    run = only_run(root)
    raw = json.loads((run / "plan.json").read_text())
    raw["training"]["learningRate"] = 0.5
    (run / "plan.json").write_text(json.dumps(raw))
    monkeypatch.chdir(root)
    more = ("--resume",) if resumed else ("--again",)
    result = ran("run", run.name, *more, "--no-tracking")
    assert isinstance(result.exception, Permanent)
    assert "was changed after it was made" in str(result.exception)
    # Nor is a result shown as that of a plan which it is not of.
    asked = ran("run", "shapes-short", *TYPED, "--no-tracking")
    assert isinstance(asked.exception, Permanent)
    answer = ran("predict", run.name, "data/shapes/test")
    assert isinstance(answer.exception, Permanent)
    # A report says what it can, and that it cannot vouch for it.
    shown = ran("report", run.name, "--output", "md")
    assert f"plan.json of {run.name} was changed after it was planned" in shown.stdout


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("training.learningRate", 0.5),
        ("dataset.hash", "md5:" + "0" * 32 + ".dir"),
        # Of what is approved, which the id does not know.
        ("report.gates", ["accuracy >= 0.001"]),
        ("tracking.registerAs", "another"),
        ("resources.maxDuration", None),
    ],
)
def test_no_command_takes_an_edited_plan_for_that_of_the_run(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, value: object
) -> None:
    root = shutil.copytree(original, tmp_path / "copy")
    run = only_run(root)
    raw = json.loads((run / "plan.json").read_text())
    section, key = path.split(".")
    raw[section][key] = value
    (run / "plan.json").write_text(json.dumps(raw))
    monkeypatch.chdir(root)
    sent = ran("sync", run.name)
    assert sent.return_value or isinstance(sent.exception, click.exceptions.Exit), sent
    assert f"plan.json of {run.name} " in sent.stderr
    assert not (run / "tracking.json").exists()
    file = str(run / "plan.json")
    for words in (
        ("run", "--plan", file),
        ("step", "data", "--plan", file, "--workdir", str(tmp_path / "new")),
        ("predict", run.name, "data/shapes/test"),
    ):
        assert isinstance(ran(*words).exception, (Permanent, Refused)), words
    if value is not None:
        shown = ran("report", run.name, "--output", "md")
        assert f"plan.json of {run.name} was changed after it was planned" in shown.stdout
