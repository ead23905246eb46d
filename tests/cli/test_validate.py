"""`vtspec validate` and `vtspec explain` as a person meets them: output, order, exit codes."""

import io
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from builders import a_dataset, a_project, an_experiment, yaml_of
from vtspec.cli.commands import explain, validate
from vtspec.cli.main import COMMANDS
from vtspec.pipelines.operations.validate import find_problems, load_specs

ROOT = Path(__file__).parents[2]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a dataset and an experiment, as the current folder."""
    (tmp_path / "specs/datasets").mkdir(parents=True)
    (tmp_path / "specs/experiments").mkdir()
    (tmp_path / "vtspec.yaml").write_text(yaml_of(a_project()))
    (tmp_path / "specs/datasets/digits.yaml").write_text(yaml_of(a_dataset()))
    write(tmp_path, "good.yaml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(root: Path, file: str, **changes: Any) -> None:
    name = {"metadata.name": Path(file).stem}
    (root / "specs/experiments" / file).write_text(yaml_of(an_experiment(**(name | changes))))


def run(*arguments: str, stdin: bytes | str = b"") -> Result:
    return CliRunner().invoke(validate.command, arguments, input=stdin)


def test_sound_specs_exit_0_and_are_counted(here: Path) -> None:
    result = run("specs", "vtspec.yaml")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "3 specs, 0 errors, 0 warnings\n"


def test_errors_of_what_a_spec_names_are_told_with_it(here: Path) -> None:
    digits = here / "specs/datasets/digits.yaml"
    digits.write_text(yaml_of(a_dataset(format="png", tasks=[])))
    write(here, "old.yaml", **{"training.epochs": 0})
    write(here, "new.yaml", **{"report.baseline": "old"})
    files = ("specs/experiments/good.yaml", "specs/experiments/new.yaml")
    result = run(*files)
    told = [line.split(":")[0] for line in result.stdout.splitlines() if line[:1] != " "]
    assert result.exit_code == 2
    # Once each, however many specs name it and whether or not it is named on the command line.
    named = ["specs/datasets/digits.yaml"] * 2 + ["specs/experiments/old.yaml"]
    assert told == [*files, *named]
    assert run(*files, str(digits)).stdout.count("spec.format") == 1


def test_warnings_of_what_a_spec_names_are_left_to_its_own_file(here: Path) -> None:
    early = {"training.epochs": 2, "training.earlyStopping": {"patience": 9}}
    write(here, "old.yaml", **early)
    write(here, "new.yaml", **{"report.baseline": "old"})
    assert run("specs/experiments/new.yaml").stdout == ""


def test_every_problem_of_every_file_is_told_in_order(here: Path) -> None:
    write(here, "b.yaml", **{"training.epochs": 0, "model.name": "resnt18"})
    write(here, "a.yaml", **{"dataset.ref": "digit", "training.sed": 1})
    result = run("specs")
    assert result.exit_code == 2
    assert [line for line in result.stdout.split("\n") if line] == [
        "specs/experiments/a.yaml:11:10: spec.dataset.ref: there is no dataset 'digit'",
        "  fix: did you mean 'digits'?",
        "specs/experiments/a.yaml:17:5: spec.training.sed: there is no key 'sed' here",
        "  fix: did you mean 'seed'?",
        "specs/experiments/b.yaml:9:11: spec.model.name: timm has no model 'resnt18'",
        "  fix: did you mean 'resnet18'?",
        "specs/experiments/b.yaml:13:13: spec.training.epochs: must be at least 1, got 0",
        "  fix: set epochs to 1 or more",
    ]
    assert result.stderr == "4 specs, 4 errors, 0 warnings\n"


def test_warnings_are_shown_and_exit_0(here: Path) -> None:
    write(here, "a.yaml", **{"training.momentum": 0.9})
    result = run("specs/experiments/a.yaml")
    assert result.exit_code == 0
    assert ": warning: spec.training.momentum: has no effect" in result.stdout
    assert result.stderr == "1 spec, 0 errors, 1 warning\n"


def test_json_holds_every_field_of_every_problem(here: Path) -> None:
    write(here, "a.yaml", **{"training.epochs": 0})
    result = run("specs", "--output", "json")
    assert result.exit_code == 2
    assert json.loads(result.stdout) == {
        "problems": [
            {
                "file": "specs/experiments/a.yaml",
                "line": 13,
                "column": 13,
                "path": "spec.training.epochs",
                "value": 0,
                "message": "must be at least 1, got 0",
                "fix": "set epochs to 1 or more",
                "severity": "error",
            }
        ]
    }
    assert json.loads(run("specs/datasets", "--output", "json").stdout) == {"problems": []}


def test_github_annotations_cannot_be_broken_out_of(here: Path) -> None:
    write(here, "a,b.yaml", **{"metadata.name": "a", "training.x\n::error::y": 1})
    result = run("specs", "--output", "github")
    assert result.exit_code == 2
    (line,) = result.stdout.splitlines()
    assert line == (
        "::error file=specs/experiments/a%2Cb.yaml,line=17,col=5,"
        "title=spec.training.x%0A%3A%3Aerror%3A%3Ay::there is no key 'x\\n::error::y' here"
        "%0Afix: remove it; the keys here are epochs, batchSize, learningRate, imageSize, seed, "
        "optimizer, momentum, weightDecay, scheduler, minLearningRate, warmupEpochs, "
        "gradientAccumulation, gradientClipping, ema, labelSmoothing, classWeights, augmentation, "
        "precision, freeze, earlyStopping, checkpoint, workers, deterministic, "
        "onOutOfMemory, onNan, onTimeLimit"
    )


def test_standard_input_is_a_spec_of_the_repository(here: Path) -> None:
    assert run("-", stdin=yaml_of(an_experiment())).exit_code == 0
    result = run("-", stdin=yaml_of(an_experiment(**{"dataset.ref": "digit"})))
    assert result.exit_code == 2
    assert result.stdout.startswith("<stdin>:11:10: spec.dataset.ref: there is no dataset")


def test_a_file_that_is_named_twice_is_told_once(here: Path) -> None:
    write(here, "a.yaml", **{"training.epochs": 0})
    os.symlink("a.yaml", here / "specs/experiments/link.yaml")
    result = run("specs/experiments/a.yaml", "specs", "./specs/experiments")
    assert result.stderr == "3 specs, 1 error, 0 warnings\n"


def test_a_name_that_another_file_bears_is_told_also_where_only_one_is_named(here: Path) -> None:
    write(here, "a.yaml", **{"metadata.name": "good"})
    result = run("specs/experiments/a.yaml")
    assert "'good' is already the name of the Experiment in specs/experiments/good.yaml" in (
        result.stdout
    )


def test_a_spec_is_checked_in_the_repository_that_it_lies_in(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    assert run("../specs/experiments/good.yaml").exit_code == 0
    monkeypatch.chdir("/")
    assert run(str(here / "specs")).exit_code == 0


def test_a_wrong_vtspec_yaml_is_told_beside_the_specs_own_problems(here: Path) -> None:
    (here / "vtspec.yaml").write_text(yaml_of(a_project(gpuTypes={"t4": {"memory": "16GB"}})))
    write(here, "a.yaml", **{"training.epochs": 0})
    for arguments in (["specs"], ["specs", "vtspec.yaml"]):
        result = run(*arguments)
        assert result.exit_code == 2
        assert result.stdout.count("fix:") == 2
        assert "vtspec.yaml:8:15: spec.gpuTypes.t4.memory: must be a size" in result.stdout


def test_hidden_folders_are_passed_over_but_may_be_named(here: Path) -> None:
    (here / "specs/.old").mkdir()
    (here / "specs/.old/a.yml").write_text("5")
    assert run("specs").exit_code == 0
    assert run("specs/.old").exit_code == 2


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("absent.yaml", "there is no such file"),
        ("specs/experiments/god.yaml", "did you mean 'specs/experiments/good.yaml'?"),
        ("empty", "holds no .yaml or .yml file"),
        ("folder.yaml", "holds no .yaml or .yml file"),
        ("pipe.yaml", "is not a regular file"),
        ("binary.yaml", "character U+0000 is not allowed in a spec"),
        ("dangling.yaml", "there is no such file"),
        ("loop.yaml", "cannot be read: "),
        ("other.yaml", "is no spec: it has no kind"),
    ],
)
def test_an_odd_path_is_a_problem_and_no_traceback(here: Path, path: str, message: str) -> None:
    (here / "empty").mkdir()
    (here / "folder.yaml").mkdir()
    os.mkfifo(here / "pipe.yaml")
    (here / "binary.yaml").write_bytes(b"\0\1\2")
    (here / "other.yaml").write_text("a: 1\n")
    os.symlink("nowhere", here / "dangling.yaml")
    os.symlink("loop.yaml", here / "loop.yaml")
    result = run(path)
    assert result.exit_code == 2
    assert message in result.stdout


def test_a_file_name_that_is_no_text_is_shown_escaped(here: Path) -> None:
    name = os.fsencode(here / "specs/experiments") + b"/\xff\n.yaml"
    with open(name, "w") as file:
        file.write("a: 1")
    for output in ("text", "json", "github"):
        done = vtspec("validate", "specs", "--output", output, cwd=here)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)
        assert ("udcff" if output == "json" else "⟨U+DCFF⟩") in done.stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_a_problem(here: Path) -> None:
    (here / "specs/experiments/good.yaml").chmod(0)
    (here / "specs/datasets").chmod(0)
    result = run("specs")
    assert "cannot be read: permission denied" in result.stdout
    assert "cannot be searched: permission denied" in result.stdout


def vtspec(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from vtspec.cli.main import main; main()", *arguments]
    return subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def test_the_command_exits_2_and_works_in_a_terminal_without_unicode(here: Path) -> None:
    write(here, "a.yaml", **{"training.optimizer": "아담"})
    done = vtspec("validate", "specs", cwd=here, PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert "spec.training.optimizer" in done.stdout
    assert "Traceback" not in done.stderr


class Unreadable(io.BytesIO):
    """A standard input that fails when it is read."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError(21, "Is a directory")


def test_standard_input_may_be_empty_or_unreadable(here: Path) -> None:
    assert "is empty" in run("-").stdout
    (given,) = load_specs(["-", "-"], Unreadable())
    (problem,) = find_problems([given], here)
    assert str(problem).startswith("<stdin>:1:1: cannot be read: is a directory")


HEAVY = ("pydantic", "yaml", "rich", "torch", "mlflow", "dvc", "numpy", "matplotlib")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from vtspec.cli.main import cli\n"
        "cli(['--help'], standalone_mode=False)\n"
        f"print('HEAVY', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("HEAVY []\n")


def test_validating_a_sound_spec_imports_no_framework_and_nothing_of_the_words(here: Path) -> None:
    names = (
        "torch",
        "mlflow",
        "dvc",
        "numpy",
        "rich",
        "jsonschema",
        "vtspec.schema.error_messages",
    )
    code = (
        "import sys\n"
        "from vtspec.cli.main import cli\n"
        "cli(['validate', 'specs'], standalone_mode=False)\n"
        f"print([name for name in {names!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=here
    )
    assert done.stdout == "[]\n"


def asked(*arguments: str) -> Result:
    return CliRunner().invoke(explain.command, arguments)


def test_explain_tells_a_field() -> None:
    result = asked("training.batchSize")
    assert result.exit_code == 0
    assert "must be:  a whole number from 1 to 65536, in images" in result.stdout


def test_explain_without_a_field_tells_the_kinds() -> None:
    result = asked()
    assert result.exit_code == 0
    assert "Experiment: One training run." in result.stdout
    assert "Project: " in result.stdout


def test_explain_params_tells_the_settings_of_every_framework() -> None:
    result = asked("params")
    assert "Experiment spec.params" in result.stdout
    assert "timm:" in result.stdout
    assert "  cropMode: one of center, squash, border" in result.stdout
    for name in ("params.cropPct", "spec.params.cropPct", "experiment.params.cropPct"):
        assert asked(name).stdout.endswith(
            "  must be:  a number from 0.1 to 1\n  default:  left out\n"
        )


@pytest.mark.parametrize("name", ["dropPathRate", "hflip", "spec.pixelMean"])
def test_explain_tells_a_frameworks_own_setting_without_its_params(name: str) -> None:
    own = name.removeprefix("spec.")
    assert asked(name).stdout == asked(f"params.{own}").stdout != ""


WRONG = """\
apiVersion: vtspec.dev/v1alpha1
kind: Experiment
metadata: {name: bad}
spec:
  task: image-clasification
  lr: 0.1
  hflip: 0.1
  model: {name: resnt18}
  dataset: {ref: digits}
  training: {epochs: 3, lr: 0.1, precision: float16, augmentation: heavy, gpus: 1, drop_rate: 0.1}
  params: {hflp: 0, vflip: 7, epochs: 3, lr: 0.1}
  report: {gates: ["acuracy >= 0.9", "accuracy >= 95"]}
"""


def test_every_problem_is_told_at_once_each_with_the_word_that_was_meant(here: Path) -> None:
    (here / "specs" / "bad.yaml").write_text(WRONG)
    lines = run("specs/bad.yaml").stdout.splitlines()
    told = {
        where.split(": ")[1]: fix.strip()
        for where, fix in itertools.pairwise(lines)
        if ": spec." in where
    }
    assert told == {
        "spec.task": "fix: did you mean 'image-classification'?",
        "spec.lr": "fix: did you mean 'training.learningRate'?",
        "spec.hflip": "fix: did you mean 'params.hflip'?",
        "spec.model.name": "fix: did you mean 'resnet18'?",
        "spec.training.lr": "fix: did you mean 'learningRate'?",
        "spec.training.precision": "fix: did you mean 'fp16'?",
        "spec.training.augmentation": "fix: did you mean 'strong'?",
        "spec.training.gpus": "fix: did you mean 'resources.gpus'?",
        "spec.training.drop_rate": "fix: did you mean 'params.dropRate'?",
        "spec.params.hflp": "fix: did you mean 'hflip'?",
        "spec.params.epochs": "fix: did you mean 'training.epochs'?",
        "spec.params.lr": "fix: did you mean 'training.learningRate'?",
        "spec.params.vflip": "fix: set it to 1 or less",
        "spec.report.gates[0]": "fix: did you mean 'accuracy'?",
        "spec.report.gates[1]": "fix: did you mean 'accuracy >= 0.95'?",
    }


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        (
            "framework: tim\n  params: {hflp: 0}",
            {"spec.framework": "timm", "spec.params.hflp": "hflip"},
        ),
        (
            "task: zzz\n  report: {gates: [acuracy > 0.9]}",
            {"spec.report.gates[0]": None},
        ),
    ],
)
def test_what_depends_on_a_misspelt_word_is_checked_by_the_one_that_was_meant(
    here: Path, wrong: str, right: dict[str, str | None]
) -> None:
    head = WRONG[: WRONG.index("  task:")]
    task = "" if "task:" in wrong else "  task: image-classification\n"
    text = f"{head}{task}  model: {{name: resnet18}}\n  dataset: {{ref: digits}}\n  {wrong}\n"
    (here / "specs" / "bad.yaml").write_text(f"{text}  training: {{epochs: 3}}\n")
    shown = run("specs/bad.yaml").stdout
    for path, meant in right.items():
        # Of a word that means no task nothing is guessed.
        assert (path in shown) == (meant is not None)
        assert meant is None or f"did you mean '{meant}'?" in shown


@pytest.mark.parametrize(
    ("field", "fix"),
    [
        ("training.batchSiz", "did you mean 'vtspec explain training.batchSize'?"),
        ("zzzz", "see 'vtspec explain'"),
        ("params.cropPc", "did you mean 'cropPct'?"),
        ("params.zzzz", "see vtspec explain params"),
        ("lr", "did you mean 'vtspec explain learningRate'?"),
        ("dropPathRte", "did you mean 'vtspec explain params.dropPathRate'?"),
        ("timeout", "did you mean 'vtspec explain maxDuration'?"),
    ],
)
def test_explain_guesses_what_was_meant(field: str, fix: str) -> None:
    result = asked(field)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith(f"  fix: {fix}\n")


def test_both_commands_are_in_the_table() -> None:
    assert isinstance(validate.command, click.Command)
    assert {"validate", "explain"} <= set(COMMANDS)
