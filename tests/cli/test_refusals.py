"""What is typed wrongly, or lies where it cannot: a sentence and something to type."""

import json
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from plan_repository import DATASET, EXPERIMENT, a_repository
from report_data import a_baseline, a_run, write_run
from run_folders import STARTED, a_run_folder
from toy_runs import write_pictures
from vtspec.cli.exit_codes import explain_usage
from vtspec.cli.main import COMMANDS, cli
from vtspec.pipelines.errors import Permanent, Refused
from vtspec.schema.problem import SpecError


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = a_repository(tmp_path / "repository")
    monkeypatch.chdir(made)
    return made


def typed(*words: str) -> tuple[int, str]:
    """The exit code, and all that is said."""
    done = CliRunner().invoke(cli, words)
    match done.exception:
        case SpecError(problems=problems):
            return 2, "\n".join(map(str, problems))
        case Permanent() | Refused() as error:
            return error.exit_code, str(error)
        case None | SystemExit():
            return done.exit_code, done.output
        case bug:
            raise bug


def _write_file(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("[1]")


@pytest.mark.parametrize(
    ("words", "told", "fix"),
    [
        (
            ("datasets", "inspect", "data/shapes", "--html", "no/such/x.html"),
            "no folder no/such",
            "mkdir -p no/such",
        ),
        (("datasets", "inspect", "data/shapes", "--html", "data"), "'data' is a directory", ""),
        (("draft", "hello", "--conversation", "no/t.json"), "no folder no", "mkdir -p no"),
        (
            ("step", "data", "--plan", "one.json", "--workdir", "w"),
            "not a plan",
            "vtspec plan SPEC",
        ),
        (("run", "--plan", "one.json"), "not a plan", "vtspec plan SPEC"),
        (("run", "--plan", "text.json"), "not a plan", "vtspec plan SPEC"),
        (("run", "deep", "--runs", ".git"), "lies in .git", "--runs runs"),
        (("plan", "deep", "--runs", ".dvc/x"), "lies in .dvc", "--runs runs"),
        (("sync", "--runs", "specs/runs"), "in the folder of the specs", "--runs runs"),
        (("apply", "deep", "--runs", "."), "is the whole repository", "--runs runs"),
        (("plan", "digits"), "only an Experiment can be planned", "such as: deep, small"),
        (("run", "deep", "--resume", "--again"), "--resume goes on with", "leave one out"),
        (("apply", "deep", "--again", "--resume"), "--again makes a new one", "leave one out"),
        (("run", "deep", "--smoke", "--again"), "--smoke tries one batch", "leave --again out"),
        (
            ("run", "deep", "--smoke", "--fail-on-gate", "--results", "x"),
            "keeps and judges nothing",
            "leave --results --fail-on-gate out",
        ),
        (("apply", "deep", "--smoke", "--queue"), "tries one batch at once", "--queue out"),
        (("run", "deep", "--smoke", "--resume"), "tries one batch", "leave --resume out"),
        (
            ("datasets", "add", "data", "--name", "도형"),
            "got '도형'",
            "spell it in a to z, 0 to 9 and '-'",
        ),
        (("datasets", "add", "data", "--name", "My Cats"), "got 'My Cats'", "--name my-cats"),
        (("trian",), "there is no command 'trian'", "see 'vtspec --help'"),
        (("train",), "there is no command 'train'", "did you mean 'vtspec run'?"),
        (("list",), "there is no command 'list'", "did you mean 'vtspec status'?"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    root: Path, words: tuple[str, ...], told: str, fix: str
) -> None:
    _write_file(root / "one.json")
    (root / "text.json").write_text('"a"')
    before = sorted(root.rglob("*"))
    write_pictures(root / "data" / "shapes", per_class=1)
    code, said = typed(*words)
    assert code in (2, 4)
    assert told in said and fix in said
    assert not (root / "runs").exists()
    assert len(before) > 5


@pytest.mark.parametrize(
    ("words", "fix"),
    [
        (("run", "deep", "--resum"), "did you mean 'vtspec run --resume'?"),
        (("render", "deep", "--colour"), "vtspec render --help"),
        (("datasets", "inspect", "--htm", "x"), "did you mean 'vtspec datasets inspect --html'?"),
        (("--versoin",), "did you mean 'vtspec --version'?"),
        (("run", "deep", "--backend", "argos"), "--backend argo"),
        (("run", "deep", "--backend", "cloud"), "--backend process"),
        (("render", "deep", "--attempt", "0"), "--attempt 1"),
        (("run", "deep", "--set"), "--set VALUE"),
        (("step", "data", "--workdir", "w"), "--plan FILE"),
        (("compare",), "vtspec compare [OPTIONS] RUN RUN"),
        (("datasets", "nonsense"), "vtspec datasets --help"),
        (("run", "deep", "more"), "vtspec run --help"),
        (("run",), "one of SPEC and --plan FILE"),
        (("run", "deep", "--queue", "--backend", "argo"), "leave --queue out"),
        (("render", "deep", "--semaphores"), "leave --semaphores out"),
        (("run", "deep", "--resume", "--again"), "leave one out"),
        (("status", "--limit", "many"), "--limit 1"),
    ],
)
def test_what_is_typed_wrongly_is_told_with_something_to_type(
    root: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], fix: str
) -> None:
    with pytest.raises(click.ClickException) as refused:
        cli.main(words, prog_name="vtspec", standalone_mode=False)
    assert explain_usage(refused.value) == 2
    *_, last = capsys.readouterr().err.splitlines()
    assert last == f"  fix: {fix}"


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_that_no_command_has_is_told_with_a_fix(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(click.ClickException) as refused:
        cli.main([name, "--no-such-thing"], prog_name="vtspec", standalone_mode=False)
    assert explain_usage(refused.value) == 2
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith("  fix: ") and f"vtspec {name}" in last


def test_a_plan_that_lacks_a_section_is_compared_by_its_figures(tmp_path: Path) -> None:
    whole = write_run(a_baseline(), tmp_path)
    other = write_run(a_run(), tmp_path)
    for section in ("training", "resources", "framework"):
        plan = json.loads((other / "plan.json").read_text())
        kept = plan.pop(section)
        (other / "plan.json").write_text(json.dumps(plan))
        code, said = typed("compare", whole.name, other.name, "--runs", str(tmp_path))
        assert code == 0
        assert f"lacks '{section}'" in " ".join(said.split())
        assert "accuracy" in said
        (other / "plan.json").write_text(json.dumps({**plan, section: kept}))


def test_an_ending_that_only_a_later_vtspec_knows_is_no_crash(root: Path) -> None:
    ended = ("run.finished", {"ending": "paused", "exit_code": 0, "artifacts": {}})
    folder = a_run_folder(root / "runs", [STARTED, ended])
    _, said = typed("logs", folder.name)
    assert said.splitlines()[-1].endswith("in a way that this vtspec does not know")
    crashed = ("run.finished", {"ending": "crashed", "message": "KeyError: 1", "artifacts": {}})
    other = a_run_folder(root / "other", [STARTED, crashed])
    _, said = typed("logs", other.name, "--runs", "other")
    assert said.splitlines()[-1].split() == ["run", "crashed"]


def test_an_experiment_is_known_by_its_file_too_and_before_a_dataset(root: Path) -> None:
    specs = root / "specs"
    (specs / "datasets/garden.yaml").write_text(DATASET.replace("digits}", "garden}", 1))
    (specs / "experiments/garden.yaml").write_text(
        EXPERIMENT.replace("{name: deep}", "{name: garden-resnet}")
    )
    code, said = typed("plan", "garden")
    assert (code, said.split("-")[:2]) == (0, ["garden", "resnet"])
    # The name that a spec gives itself goes first, and two files of one name are not guessed at.
    (specs / "experiments/deep").mkdir()
    (specs / "experiments/deep/small.yml").write_text(EXPERIMENT.replace("deep}", "other}"))
    assert typed("plan", "small")[1].startswith("small-")
    (specs / "experiments/other").mkdir()
    (specs / "experiments/other/garden.yaml").write_text(EXPERIMENT.replace("deep}", "two}"))
    assert typed("plan", "garden")[0] == 2


@pytest.mark.parametrize("folder", ["specs/experiments/.old", "specs/.cache/deeper"])
def test_a_name_that_only_a_hidden_folder_has_is_said_to_be_there(root: Path, folder: str) -> None:
    file = root / folder / "x.yaml"
    _write_file(file)
    file.write_text(EXPERIMENT.replace("{name: deep}", "{name: hidden}"))
    code, said = typed("plan", "hidden")
    assert code == 2
    assert "lies in a hidden folder" in said
    assert f"fix: name the file: {folder}/x.yaml" in said
    assert typed("plan", f"{folder}/x.yaml")[0] == 0


def test_outside_a_repository_it_is_said_that_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (("plan", "foo"), ("run", "foo"), ("draft", "x", "--from", "foo")):
        code, said = typed(*words)
        assert code == 2
        assert "no repository" in said and "vtspec init" in said


@pytest.mark.parametrize("below", [".", "specs/experiments", "data"])
def test_validate_without_a_path_checks_the_repository(
    root: Path, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    monkeypatch.chdir(root / below)
    assert typed("validate") == (0, "4 specs, 0 errors, 0 warnings\n")
    project = root / "vtspec.yaml"
    project.write_text(project.read_text().replace("spec:", "spec:\n  specs: other", 1))
    code, said = typed("validate")
    assert (code, "1 spec, 0 errors" in said) == (0, True)
    project.unlink()
    assert typed("validate")[1].startswith(("3 specs", "specs:", "there are no", "data"))


def test_version_is_a_command_too() -> None:
    assert typed("version") == typed("--version")
    assert re.fullmatch(r"vtspec \d+\.\d+\S*\n", typed("version")[1])


def test_help_of_every_command_names_what_it_takes() -> None:
    assert {name for name in COMMANDS if typed(name, "--help")[0] != 0} == set()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run", "nosuch"), "specs: there is no spec 'nosuch'"),
        (("datasets", "update", "nosuch"), "specs: there is no dataset 'nosuch'"),
        (("plan", "nosuch.yaml"), "nosuch.yaml: there is no such file"),
        (("plan", "digits", "--set", "training.epochs=0"), "--set training.epochs=0: spec."),
    ],
)
def test_what_lies_in_no_file_has_no_line_and_column(
    root: Path, words: tuple[str, ...], told: str
) -> None:
    code, said = typed(*words)
    assert code == 2
    assert said.startswith(told)


def test_an_annotation_of_what_is_not_there_has_no_line(root: Path) -> None:
    _, said = typed("validate", "nosuch.yaml", "--output", "github")
    assert "line=" not in said and "nosuch.yaml" in said
