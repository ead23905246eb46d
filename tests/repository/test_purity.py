"""What decides, and whatever says "Pure" of itself, reads no file, no clock, no environment."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PIPELINES = ROOT / "pipelines" / "vtspec" / "pipelines"

MODULES = {"os", "io", "sys", "shutil", "tempfile", "subprocess", "socket", "time", "random"}
MODULES |= {"secrets", "urllib", "http", "click", "fcntl", "glob", "threading", "platform"}
MODULES |= {"uuid", "getpass", "select", "multiprocessing", "locale", "ssl", "sqlite3"}
CALLS = {"open", "print", "input"}
PATH_METHODS = {"read_text", "read_bytes", "write_text", "write_bytes", "exists", "is_file"}
PATH_METHODS |= {"is_dir", "is_symlink", "iterdir", "glob", "rglob", "mkdir", "unlink", "rmdir"}
PATH_METHODS |= {"stat", "lstat", "resolve", "touch", "symlink_to", "cwd", "home", "expanduser"}
PATH_METHODS |= {"open", "rename", "chmod", "readlink", "hardlink_to", "samefile", "walk"}
CLOCKS = {"now", "utcnow", "today"}

DECIDING = (
    "argo",
    "controller/actions.py",
    "controller/answers.py",
    "controller/approval.py",
    "controller/approval_policy.py",
    "controller/approved_runs.py",
    "controller/commands.py",
    "controller/comment_text.py",
    "controller/commit_status.py",
    "controller/cost_limits.py",
    "controller/digests.py",
    "controller/expected_cost.py",
    "controller/ledger.py",
    "controller/markers.py",
    "controller/phrases.py",
    "controller/plan_comment.py",
    "controller/progress_comment.py",
    "controller/reconcile.py",
    "controller/replies.py",
    "controller/request.py",
    "controller/run_answers.py",
    "controller/reservations.py",
    "controller/result_comment.py",
    "controller/run_replies.py",
    "controller/view.py",
    "estimation",
    "execution/local/next_action.py",
    "formatting.py",
    "planning/diff.py",
    "planning/digest.py",
    "planning/origins.py",
    "planning/plan.py",
    "planning/plan_model.py",
    "planning/plan_phrases.py",
    "planning/plan_sections.py",
    "planning/plan_warnings.py",
    "reporting/caveats.py",
    "reporting/comparison.py",
    "reporting/curves.py",
    "reporting/escape.py",
    "reporting/document.py",
    "reporting/evaluation.py",
    "reporting/evidence.py",
    "reporting/facts.py",
    "reporting/judgement_phrases.py",
    "reporting/phrases.py",
    "reporting/provenance.py",
    "reporting/render",
    "reporting/resampling.py",
    "reporting/run_comparison.py",
    "reporting/sample_records.py",
    "reporting/sections",
    "reporting/significance.py",
    "reporting/verdict.py",
    "runs/events.py",
    "runs/state.py",
    "runs/state_phrases.py",
    "validation/catalogs.py",
    "validation/dataset.py",
    "validation/gpu_memory.py",
    "validation/model.py",
    "validation/objectives.py",
    "validation/params.py",
    "validation/resources.py",
    "validation/spec_view.py",
    "validation/teams.py",
    "validation/unique_names.py",
)
"""What decides, below `pipelines`: files, and folders whole."""


def _modules() -> list[Path]:
    found = [
        path
        for portion in ("schema", "adapters", "pipelines", "cli")
        for path in (ROOT / portion / "vtspec").rglob("*.py")
    ]
    assert len(found) > 250, "a glob has gone quiet"
    return sorted(found)


def _claims_purity(tree: ast.Module) -> bool:
    sentences = (ast.get_docstring(tree) or "").replace("\n", " ").split(".")
    return any(each.strip() == "Pure" or each.strip().startswith("Pure:") for each in sentences)


def _effects(tree: ast.Module) -> Iterator[str]:
    """What of a module reaches outside: an import, a call, a method of a path."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (f"import {each.name}" for each in names if _reaches(each.name))
            # A generator with a seed of its own is arithmetic; without one it asks the machine.
            case ast.ImportFrom(module="random", names=[ast.alias(name="Random")], level=0):
                pass
            case ast.Call(func=ast.Name(id="Random"), args=[]):
                yield "Random()"
            case ast.ImportFrom(module=str(module), level=0) if _reaches(module):
                yield f"from {module} import …"
            case ast.Call(func=ast.Name(id=name)) if name in CALLS:
                yield f"{name}(…)"
            case ast.Call(func=ast.Attribute(attr=method)) if method in PATH_METHODS | CLOCKS:
                yield f".{method}(…)"


def _reaches(module: str) -> bool:
    return module.split(".")[0] in MODULES


def _deciding() -> list[Path]:
    found: list[Path] = []
    for place in DECIDING:
        path = PIPELINES / place
        found += [path] if path.is_file() else sorted(path.glob("*.py"))
        assert path.exists(), place
    return [path for path in found if path.name != "__init__.py"]


def test_what_decides_or_claims_to_be_pure_touches_nothing() -> None:
    trees = {path: ast.parse(path.read_text()) for path in _modules()}
    claims = {path for path, tree in trees.items() if _claims_purity(tree)}
    assert len(claims) > 60
    touching = {
        str(path.relative_to(ROOT)): effects
        for path in sorted(claims | set(_deciding()))
        if (effects := list(_effects(trees[path])))
    }
    assert touching == {}


def test_a_module_that_reads_a_file_is_seen() -> None:
    text = """
import os
from time import time
open("a")
Path("b").read_text()
Path("b").open()
datetime.now(UTC)
from random import Random
Random("seed").random()
Random().random()
from random import choice
"a".join(os.sep)
"""
    assert list(_effects(ast.parse(text))) == [
        "import os",
        "from time import …",
        "from random import …",
        "open(…)",
        ".read_text(…)",
        ".open(…)",
        ".now(…)",
        "Random()",
    ]
