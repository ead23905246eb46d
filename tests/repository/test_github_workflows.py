"""What GitHub Actions runs is read by actionlint: our own workflows, and the one that is shown."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from actionlint_program import build_actionlint

ROOT = Path(__file__).parents[2]
SHOWN = "OWNER/vtspec/.github/workflows/vtspec.yml@COMMIT"

pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.skipif(shutil.which("go") is None, reason="Go is not installed: go.dev/dl"),
]


@pytest.fixture
def workflows(tmp_path: Path) -> Path:
    """Those of this tree, in a repository: actionlint takes the one around a worktree for none."""
    (tmp_path / ".git").mkdir()
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    return tmp_path / ".github" / "workflows"


def lint(workflows: Path) -> tuple[int, str]:
    done = subprocess.run(
        [build_actionlint(), "-no-color", "-oneline"],
        cwd=workflows,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def test_our_workflows_are_those_that_github_reads(workflows: Path) -> None:
    assert len(list(workflows.glob("*.yml"))) >= 2
    assert lint(workflows) == (0, "")
    (workflows / "other.yml").write_text("on: push\njobs: {a: {runs-on: ubuntu-24.04}}\n")
    code, said = lint(workflows)
    assert (code, said.count("\n")) == (1, 1)
    assert '"steps" section is missing' in said


def test_the_workflow_that_is_shown_gives_what_ours_takes(workflows: Path) -> None:
    page = (ROOT / "docs" / "pull-requests.md").read_text()
    (text,) = [one for one in re.findall(r"```yaml\n(.*?)```", page, re.S) if "\njobs:" in one]
    assert text.count(SHOWN) == 1
    caller = workflows / "caller.yml"
    caller.write_text(text.replace(SHOWN, "./.github/workflows/vtspec.yml"))
    assert lint(workflows) == (0, "")
    caller.write_text(caller.read_text().replace("with: {package:", "with: {packages:"))
    code, said = lint(workflows)
    assert code == 1
    assert 'input "package" is required' in said
