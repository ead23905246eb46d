"""The page on a framework of one's own makes a package that conforms and that specs can name."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vtspec.pipelines.execution.environment import find_uv

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs/own-adapter.md"

_NAME = re.compile(r"(?:## )?`([\w./-]+)`")


def read_blocks(text: str) -> Iterator[tuple[str | None, str, str]]:
    """Each block of the page: the file that the line before it names, its language, its text."""
    name: str | None = None
    language: str | None = None
    lines: list[str] = []
    for line in text.splitlines():
        if language is None and line.startswith("```"):
            language, lines = line.removeprefix("```"), []
        elif language is not None and line == "```":
            yield name, language, "".join(f"{one}\n" for one in lines)
            name = language = None
        elif language is not None:
            lines.append(line)
        elif named := _NAME.fullmatch(line):
            name = named[1]


class Package:
    """The page's files in a folder, and what is installed of them in another."""

    def __init__(self, folder: Path) -> None:
        self.root, self.site = folder / "project", folder / "site"
        blocks = list(read_blocks(PAGE.read_text(encoding="utf-8")))
        self.lines = [
            line
            for name, language, text in blocks
            if name is None and language == "sh"
            for line in text.splitlines()
        ]
        for name, _, text in blocks:
            if name is not None:
                file = self.root / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
        self.environ = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.site),
            "VTSPEC_CACHE": str(folder / "cache"),
        }

    def carry_out(self, line: str) -> str:
        """What a line of the page prints; the package is installed beside what is here."""
        if line.startswith("uv "):
            line = f"{find_uv()}{line.removeprefix('uv')} --quiet --target {self.site}"
        ended = subprocess.run(
            ["bash", "-c", line],
            cwd=self.root,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, f"{line}: {ended.stdout}{ended.stderr}"
        return ended.stdout


def test_the_pages_commands_plan_what_the_package_trains(tmp_path: Path) -> None:
    package = Package(tmp_path)
    told = {}
    for line in package.lines:
        told[line] = package.carry_out(line)
        if line.startswith("vtspec plan"):
            break
    assert "fcos-plain" in told["vtspec models search --framework fcos"]
    plan = list(told.values())[-1]
    assert "fcos (adapter fcos 1)" in plan
    assert "53.6 k parameters" in plan
    # What it cannot do is refused before anything starts, as of any other framework.
    spec = package.root / "specs/experiments/shapes-fcos.yaml"
    spec.write_text(spec.read_text().replace("channels: 32", "channels: 30"))
    with pytest.raises(AssertionError, match="is no multiple of 8"):
        package.carry_out(f"vtspec validate {spec}")


@pytest.mark.exhaustive
def test_all_the_page_says_works(tmp_path: Path) -> None:
    package = Package(tmp_path)
    told = {line: package.carry_out(line) for line in package.lines}
    run = next(text for line, text in told.items() if line.startswith("vtspec run"))
    assert "Gate passed" in run
    predicted = next(text for line, text in told.items() if line.startswith("vtspec predict"))
    assert "disc" in predicted
    assert re.search(r"20 passed", told["pytest test_conformance.py"])
