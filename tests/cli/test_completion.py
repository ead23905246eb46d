"""What a shell is offered where a word is being typed: the names that there are, and quickly."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from plan_repository import a_repository, change
from run_folders import STARTED, a_run_folder
from vtspec.cli.main import COMMANDS, cli
from vtspec.pipelines.catalog import get_images_folder
from vtspec.schema.explain import explain
from vtspec.schema.json_schema.fast_check import list_fields
from vtspec.schema.kinds.index import KINDS

RUN = "deep-0123456789"

IMAGES = sorted(file.parent.name for file in get_images_folder().glob("*/Dockerfile"))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = a_repository(tmp_path)
    folder = a_run_folder(made / "runs", [STARTED])
    folder.rename(folder.with_name(RUN))
    (made / "far").mkdir()
    (made / "far" / "small-9999999999-2").mkdir()
    monkeypatch.chdir(made)
    return made


def offered(line: str) -> list[tuple[str, str]]:
    """Kind and value of what is offered for the last word of a line; a blank ends a word."""
    *before, typed = line.split(" ")
    shell = ShellComplete(cli, {}, "vtspec", "_VTSPEC_COMPLETE")
    return [(item.type, item.value) for item in shell.get_completions(before, typed)]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("plan ", ["deep", "small"]),
        ("plan d", ["deep"]),
        ("run ", ["deep", "small", RUN]),
        ("apply deep-", [RUN]),
        ("report ", ["deep", RUN]),
        ("status deep-0", [RUN]),
        ("compare deep d", ["deep", RUN]),
        ("report --baseline ", ["deep", RUN]),
        ("logs --runs far ", ["small", "small-9999999999-2"]),
        ("draft --from s", ["small"]),
        ("rm deep-", [RUN]),
        ("rm --runs far small-", ["small-9999999999-2"]),
        ("prune --spec d", ["deep"]),
        ("datasets update d", ["digits"]),
        ("datasets inspect d", ["digits"]),
        ("explain training.ep", ["training.epochs"]),
        ("explain splits.tr", ["splits.train", "splits.train.path"]),
        ("explain Exp", ["Experiment"]),
        ("explain spec.training.ep", ["spec.training.epochs"]),
        ("explain experiment.training.ep", ["experiment.training.epochs"]),
        ("explain Experiment.spec.training.ep", ["Experiment.spec.training.epochs"]),
        ("explain dataset.splits.tr", ["dataset.splits.train", "dataset.splits.train.path"]),
        ("explain params.hf", ["params.hflip"]),
        ("run deep --set spec.training.ep", ["spec.training.epochs="]),
        ("run deep --set params.hf", ["params.hflip="]),
        ("run deep --set training.ep", ["training.epochs="]),
        (
            "plan deep --set training.precision=f",
            ["training.precision=fp32", "training.precision=fp16"],
        ),
        ("plan deep --set model.pretrained=", ["model.pretrained=true", "model.pretrained=false"]),
        ("plan deep --set dataset.ref=", ["dataset.ref=digits"]),
        ("plan deep --set report.baseline=s", ["report.baseline=small"]),
        ("plan deep --set model.name=softmax", ["model.name=softmax-regression"]),
        ("models show softmax", ["softmax-regression"]),
        ("models search --framework t", ["timm", "toy", "transformers"]),
        ("images build ", IMAGES),
        ("images push toy v", ["vtspec"]),
        ("images lock ", [name for name in IMAGES if name not in ("base", "vtspec")]),
        ("step e", ["evaluate", "export"]),
        ("ver", ["version"]),
    ],
)
def test_the_names_that_there_are_are_offered(root: Path, line: str, names: list[str]) -> None:
    shown = [value for kind, value in offered(line) if kind == "plain"]
    assert shown[: len(names)] == names
    # Fields below one may follow; of names there are no others.
    assert ".splits.tr" in f".{line.split()[-1]}" or len(shown) == len(names)


def test_a_path_is_left_to_the_shell(root: Path) -> None:
    assert offered("plan specs/exp") == [("file", "specs/exp")]
    assert offered("datasets inspect da") == [("dir", "da")]


def test_a_broken_repository_offers_nothing_and_says_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(root, "vtspec.yaml", "spec:", "spec: [")
    for line in (
        "plan ",
        "report ",
        "draft --from ",
        "datasets inspect ",
        "run x --set dataset.ref=",
    ):
        assert [value for kind, value in offered(line) if kind == "plain"] == []
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("typed", ["", "spec.", "Dataset.", "project.spec.", "params."])
def test_what_explain_is_offered_it_takes(root: Path, typed: str) -> None:
    names = [value for _, value in offered(f"explain {typed}")]
    assert len(names) > 4 and all(name.startswith(typed) for name in names)
    # One below each: every field by itself is looked up in another test.
    done = [CliRunner().invoke(cli, ["explain", name]).exit_code for name in names[::7]]
    assert set(done) == {0}


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_that_is_offered_is_explained(kind: str) -> None:
    assert [path for path in list_fields(kind) if explain(f"{kind}.{path}") is None] == []


def test_completing_imports_nothing_heavy(root: Path) -> None:
    heavy = ("pydantic", "torch", "timm", "mlflow", "numpy", "rich", "matplotlib", "dvc")
    code = (
        "import sys\n"
        "from click.shell_completion import ShellComplete\n"
        "from vtspec.cli.main import cli\n"
        "shell = ShellComplete(cli, {}, 'vtspec', '_VTSPEC_COMPLETE')\n"
        "for line in sys.argv[1:]:\n"
        "    *before, typed = line.split(' ')\n"
        "    assert shell.get_completions(before, typed), line\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    lines = (
        "plan ",
        "report ",
        "explain tr",
        "explain params.h",
        "models show res",
        "images build t",
        "run deep --set training.o",
    )
    done = subprocess.run([sys.executable, "-c", code, *lines], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_shell_asks_by_the_variable_that_the_readme_names(root: Path) -> None:
    variable = "_VTSPEC_COMPLETE"
    assert (
        f"{variable}=bash_source vtspec"
        in Path(__file__).parents[2].joinpath("README.md").read_text()
    )
    asked = {variable: "bash_complete", "COMP_WORDS": "vtspec plan de", "COMP_CWORD": "2"}
    program = Path(sys.executable).with_name("vtspec")
    done = subprocess.run([program], env=os.environ | asked, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("plain,deep\n", "")


FREE = {
    "words",
    "shares",
    "license",
    "description",
    "group_by",
    "group_field",
    "remote",
    "name",
    "uri",
    "limit",
    "every",
    "tiles",
    "older_than",
    "caches",
    "prune_cache",
    "author",
    "repository",
    "login",
    "namespace",
    "runs",
    "tag",
    "registry",
    "python_image",
    "repositories",
    "url",
    "app_id",
    "listen",
    "metrics",
}
"""What a person makes up, or says in their own words."""


def _list_parameters() -> Iterator[tuple[str, click.Parameter]]:
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        inner = command.commands if isinstance(command, click.Group) else {"": command}
        for below, each in inner.items():
            yield from ((f"{name} {below}".strip(), param) for param in each.params)


def test_every_word_that_names_something_is_completed(root: Path) -> None:
    known = {"run", "before", "after", "baseline", "spec", "sets", "base", "field", "framework"}
    seen = set()
    for command, param in _list_parameters():
        context = click.Context(click.Command("x"))
        name = str(param.name)
        if not isinstance(param.type, click.types.StringParamType) or name in FREE:
            continue
        seen.add(name)
        assert param.shell_complete(context, ""), (command, name)
    assert known <= seen
