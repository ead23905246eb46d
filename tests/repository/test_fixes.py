"""Commands to type are made by one function: a name in one must not run what it says."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

COMMAND = re.compile(
    r"(^|[\s'(:])(rm|cp|mv|cd|ls|mkdir|chmod|dvc \w+|git \w+|mlflow \w+"
    r"|vtspec (draft|status|logs|stop|rm|sync|report|predict|apply|datasets \w+|models \w+))"
    r"( [-\w]+)* '?$"
)
"""The end of a piece of text behind which a value would stand as a word of a command."""

NAMES = {"ref", "task", "meant", "close", "baseline_wanted"}
"""Values that are names of the catalog or DNS labels, in which a shell reads nothing."""


def _written_commands(tree: ast.Module) -> Iterator[str]:
    """Texts in which a value follows a command's words, unquoted."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.JoinedStr):
            continue
        for text, value in zip(node.values, node.values[1:], strict=False):
            if (
                isinstance(text, ast.Constant)
                and isinstance(value, ast.FormattedValue)
                and COMMAND.search(str(text.value))
                and ast.unparse(value.value).rpartition(".")[2] not in NAMES
                and "quote" not in ast.unparse(value.value)
            ):
                yield ast.unparse(node)


def test_no_command_is_written_by_hand_around_a_name() -> None:
    files = [
        path
        for portion in ("adapters", "pipelines", "cli")
        for path in (ROOT / portion / "vtspec").rglob("*.py")
    ]
    assert len(files) > 250, "a glob has gone quiet"
    found = {
        str(path.relative_to(ROOT)): written
        for path in files
        if (written := list(_written_commands(ast.parse(path.read_text("utf-8")))))
    }
    assert {} == found
