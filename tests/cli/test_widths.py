"""What is shown in terminals of 40, 60 and 80 columns: words stay whole, and no cell is lost."""

import io
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plan_repository import a_repository
from report_data import a_baseline, a_plan, a_run, write_run
from toy_runs import write_pictures
from vtspec.cli.commands import compare, datasets, images, models, plan, prune, rm, status
from vtspec.cli.views.predictions import format_predictions
from vtspec.cli.views.styled_text import count_cells, format_row
from vtspec.cli.views.table import format_table

WIDTHS = (40, 60, 80)

STYLE = re.compile(r"\x1b\[[0-9;]*m")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with specs, data, and two runs."""
    made = a_repository(tmp_path_factory.mktemp("made"))
    pictures = write_pictures(made / "data" / "shapes", per_class=2)
    for split in pictures.iterdir():
        first, second, *_ = sorted(split.iterdir())
        first.rename(split / "고양이")
        second.rename(split / "a-class-of-a-long-name")
    against = {"baseline": "digits-resnet10t", "gates": []}
    write_run(a_baseline(), made / "runs")
    write_run(a_run(a_plan(report=against)), made / "runs")
    return made


def _show(
    command: click.Command, words: Sequence[str], width: int, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    terminal = Terminal()
    with monkeypatch.context() as patched:
        patched.setenv("COLUMNS", str(width))
        patched.setattr(sys, "stdout", terminal)
        command.main(list(words), standalone_mode=False)
    return STYLE.sub("", terminal.getvalue()).splitlines()


COMMANDS: dict[str, tuple[click.Command, tuple[str, ...], tuple[str, ...]]] = {
    "plan": (plan.command, ("deep",), ("image-classification", "training.learningRate")),
    "status": (status.command, (), ("digits-resnet18-0123456789", "succeeded")),
    "search": (
        models.command,
        ("search", "resnet", "--limit", "3"),
        ("image-classification", "resnet18", "apache-2.0"),
    ),
    "inspect": (
        datasets.command,
        ("inspect", "data/shapes"),
        ("a-class-of-a-long-name", "고양이"),
    ),
    "compare": (
        compare.command,
        ("digits-resnet10t", "digits-resnet18"),
        ("accuracy", "digits-resnet10t"),
    ),
    "prune": (
        prune.command,
        ("--keep", "0", "--dry-run"),
        ("digits-resnet18-0123456789", "finished", "KiB"),
    ),
    "rm": (
        rm.command,
        ("digits-resnet10t", "--dry-run", "--force"),
        ("digits-resnet10t-0123456789", "succeeded", "needed: the report of", "compares"),
    ),
    "images": (images.command, ("list",), ("timm", "image-classification", "not yet")),
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", COMMANDS)
def test_every_width_shows_whole_words(
    name: str, width: int, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, words, told = COMMANDS[name]
    monkeypatch.chdir(root)
    lines = _show(command, words, width, monkeypatch)
    shown = "\n".join(lines)
    assert [word for word in told if word not in shown] == []
    # A column that is too narrow ends in lines of a letter or two; classes may be called "1".
    short = [line for line in lines if 0 < len(line.strip()) < 3 and not line.strip().isdigit()]
    assert short == []


@pytest.mark.parametrize("name", ["compare", "prune", "rm", "images"])
def test_no_line_of_it_is_wider_than_its_terminal(
    name: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, words, _ = COMMANDS[name]
    monkeypatch.chdir(root)
    lines = [line.rstrip() for line in _show(command, words, 40, monkeypatch)]
    assert max(map(count_cells, lines)) <= 40


@pytest.mark.parametrize("width", [*WIDTHS, None])
def test_classes_stand_below_an_image_where_a_row_does_not_fit(width: int | None) -> None:
    paths = [Path("a.png"), Path("photos/of/a-long-folder/b.png")]
    classes = ({"cat": 0.75, "고양이": 0.25}, {"cat": 0.125, "고양이": 0.875})
    answers = [
        {"image_path": str(path), "scores": scores}
        for path, scores in zip(paths, classes, strict=True)
    ]
    shown = format_predictions(answers, [(path, False) for path in paths], 2, width)
    lines = ["".join(text for text, _ in line).rstrip() for line in shown]
    assert max(map(count_cells, lines)) <= (width or 80)
    if width == 40:
        assert lines[:2] == ["a.png", "    cat 0.750  고양이 0.250"]
        assert lines[2:] == [str(paths[1]), "    고양이 0.875  cat 0.125"]
    else:
        assert [line.split()[1] for line in lines] == ["cat", "고양이"]


@pytest.mark.parametrize("name", ["status", "search", "inspect"])
def test_no_row_of_a_table_is_wider_than_its_terminal(
    name: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, words, told = COMMANDS[name]
    monkeypatch.chdir(root)
    for width in WIDTHS:
        rows = [line for line in _show(command, words, width, monkeypatch) if told[0] in line]
        assert rows and max(map(count_cells, map(str.rstrip, rows))) <= width


def test_what_is_no_terminal_has_a_line_a_row_whatever_its_width() -> None:
    rows = [["x" * 90, "1"], ["y", "22"]]
    lines = ["".join(text for text, _ in line) for line in format_table(("a", "b"), rows)]
    assert len(lines) == 3
    assert [line.rstrip()[-2:] for line in lines] == [" b", " 1", "22"]


def test_letters_of_two_columns_line_up() -> None:
    rows = [["고양이", "1"], ["cat", "22"]]
    lines = [
        "".join(text for text, _ in line).rstrip()
        for line in format_table(("class", "train"), rows, width=80, right=True)
    ]
    assert {count_cells(line) for line in lines} == {13}


WORDS = st.text(st.sampled_from("abc가나"), min_size=1, max_size=9)
TEXTS = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=4), st.integers(24, 90))
def test_a_table_never_cuts_a_cell(rows: list[tuple[str, str, str]], width: int) -> None:
    lines = ["".join(part for part, _ in line) for line in format_table("xyz", rows, width=width)]
    assert max(count_cells(line.rstrip()) for line in lines) <= width
    shown = " ".join(" ".join(lines).split())
    assert all(word in shown for row in rows for cell in row for word in cell.split())


@given(TEXTS, TEXTS, TEXTS, st.integers(24, 90))
def test_a_row_never_breaks_a_word(first: str, second: str, last: str, width: int) -> None:
    parts = [("", 1, ""), (first, 29, ""), (second, width - 48, "")]
    lines = ["".join(text for text, _ in line) for line in format_row(parts, (last, ""), width)]
    assert max(count_cells(line.rstrip()) for line in lines) <= width
    shown = " ".join(lines).split()
    assert sorted(shown) == sorted(f"{first} {second} {last}".split())
