"""The ten commands of docs/cluster.md: their words are those of the command line and the chart."""

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from dvc_repositories import command
from helm_chart import CHART, ROOT
from vtspec.cli.main import cli

PAGE = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
BLOCK = PAGE.split("in ten commands\n", 1)[1].split("```\n")[1]
LINES = BLOCK.splitlines()


def list_words(program: str) -> list[list[str]]:
    """The words of each call of a program in them."""
    calls = [shlex.split(part) for line in LINES for part in line.split(" && ")]
    return [words for words in calls if words[0] == program]


def test_there_are_ten() -> None:
    assert len(LINES) == 10
    assert {words[0] for line in LINES for words in [shlex.split(line)]} == {
        "kind",
        "kubectl",
        "cd",
        "vtspec",
        "helm",
        "dvc",
        "git",
        "gh",
    }


@pytest.mark.parametrize("words", list_words("vtspec"), ids=" ".join)
def test_the_command_line_has_their_words(words: list[str]) -> None:
    at: click.Command = cli
    rest = words[1:]
    while isinstance(at, click.Group):
        found = at.get_command(click.Context(at), rest[0])
        assert found is not None, rest
        at, rest = found, rest[1:]
    # Raises where there is no such option, or an argument too many.
    at.make_context("vtspec", list(rest), resilient_parsing=False)


def test_the_chart_has_their_values() -> None:
    (words,) = list_words("helm")
    assert (ROOT / words[3]).resolve() == CHART
    assert (ROOT / words[words.index("--values") + 1]).is_file()
    schema = json.loads((CHART / "values.schema.json").read_text())
    given = [words[at + 1] for at, word in enumerate(words) if word == "--set"]
    assert len(given) == 4
    for one in given:
        place: Any = schema
        for key in one.partition("=")[0].split("."):
            place = place["properties"][key]
    assert words[words.index("--namespace") + 1] == "vtspec-system"


def test_the_secret_has_the_keys_that_the_chart_asks_for() -> None:
    (line,) = [line for line in LINES if "create secret" in line]
    keys = re.findall(r"--from-literal=([\w-]+)=", line)
    values = yaml.safe_load((CHART / "values.yaml").read_text())["controller"]
    assert keys == ["token", *values["webhookSecrets"]]
    assert f"generic {values['secret']} " in line


@pytest.mark.slow
def test_the_repository_that_they_make_is_valid(tmp_path: Path) -> None:
    (tmp_path / "vtspec").mkdir()
    (line,) = [line for line in LINES if line.startswith("vtspec init")]
    command(tmp_path / "vtspec", "bash", "-c", f"{line} && vtspec validate")
    root = tmp_path / "vision"
    dataset = yaml.safe_load((root / "specs" / "datasets" / "pictures.yaml").read_text())
    assert dataset["spec"]["source"] == {"dvc": {"path": "data/shapes"}}
    (change,) = re.findall(r"perl -pi -e 's/epochs[^&]*", BLOCK)
    before = (root / "specs" / "experiments" / "shapes.yaml").read_text()
    subprocess.run(["bash", "-c", change], cwd=root, check=True)
    after = (root / "specs" / "experiments" / "shapes.yaml").read_text()
    assert before != after
    assert "ref: pictures" in after
