"""`docs/architecture.md` and `CONTRIBUTING.md` say what is there, and no more."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PORTIONS = ("schema", "adapters", "pipelines", "cli")


def _section(portion: str) -> str:
    text = (ROOT / "docs" / "architecture.md").read_text()
    return re.split(r"^## ", text.split(f"\n## {portion}/", 1)[1], maxsplit=1, flags=re.M)[0]


def _named(portion: str) -> set[str]:
    """The modules in the first column: `name`, or below the folder `folder/` named before it."""
    found = set()
    for row in re.findall(r"^\| (`[^|]*`) +\|", _section(portion), re.M):
        folder = ""
        for name in re.findall(r"`([\w/]+)`", row):
            if name.endswith("/"):
                folder = name
            found.add(name.rstrip("/") if name.endswith("/") else folder + name)
    return found


def _modules(portion: str) -> set[str]:
    top = ROOT / portion / "vtspec" / portion
    paths = [path.relative_to(top) for path in top.rglob("*.py")]
    modules = {path.with_suffix("").as_posix() for path in paths if path.name[0] != "_"}
    packages = {path.parent.as_posix() for path in paths if path.name == "__init__.py"}
    return modules | packages - {"."}


@pytest.mark.parametrize("portion", PORTIONS)
def test_the_architecture_names_every_module_and_none_that_is_not_there(portion: str) -> None:
    modules = _modules(portion)
    assert len(modules) > 20, "a glob has gone quiet"
    # The rules of the offline drafter are a room of their own, described as one.
    inside = {name for name in modules if name.startswith("drafting/offline/")}
    assert _named(portion) == modules - inside


DECISIONS = [f"docs/decisions/{path.name}" for path in (ROOT / "docs" / "decisions").iterdir()]


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "README.md", "docs/adapters.md", *DECISIONS])
def test_paths_that_a_page_names_are_there(page: str) -> None:
    text = (ROOT / page).read_text()
    paths = re.findall(
        r"`((?:docs|schema|pipelines|adapters|cli|tests|benchmarks|images)/[\w./-]*)`", text
    )
    missing = [path for path in paths if not (ROOT / path).exists()]
    assert missing == []
    assert paths or page in DECISIONS, "a pattern has gone quiet"


def test_the_make_targets_that_pages_name_are_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for page in ("README.md", "CONTRIBUTING.md"):
        named = set(re.findall(r"(?:`|^)make ([a-z-]+)", (ROOT / page).read_text(), re.M))
        assert named and named <= targets, page
