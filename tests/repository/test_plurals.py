"""A count is told with its number of things: one of them is no "1 images"."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

PLURAL = re.compile(
    r" (more |label |train )?(classes|images|epochs|runs|files|events|seeds|steps|errors|warnings"
    r"|objects|lines|parameters|folders|samples|models|plans|specs|packages|datasets|cores)\b"
)
"""A text that begins so behind a value."""

SEVERAL = {
    "beside.seeds",
    "count",
    "cut.left_out",
    "files",
    "found",
    "gates",
    "kinds",
    "names",
    "processes",
    "seeds",
    "step",
    "wanted",
    "whole",
    "format_count(count)",
    "format_number(round(at.images_per_s))",
    "stop.epoch",
    "stop.step",
    "training.warmup_epochs",
    "write_digits(Path(sys.argv[1]))",
}
"""What is told so only of several, of a rate, to who writes an adapter, or is a verb there."""


def _find_bare_plurals(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.JoinedStr):
            continue
        for value, text in zip(node.values, node.values[1:], strict=False):
            if (
                isinstance(value, ast.FormattedValue)
                and isinstance(text, ast.Constant)
                and PLURAL.match(str(text.value))
                and re.sub(r"^len\((.*)\)$", r"\1", ast.unparse(value.value)) not in SEVERAL
            ):
                yield ast.unparse(value.value) + str(text.value)


def test_no_plural_stands_behind_a_count_that_may_be_one() -> None:
    files = [
        path
        for portion in ("adapters", "pipelines", "cli", "schema")
        for path in (ROOT / portion / "vtspec").rglob("*.py")
        # The grammar of two languages has plurals of its own.
        if "offline" not in path.parts
    ]
    assert len(files) > 250, "a glob has gone quiet"
    found = {
        str(path.relative_to(ROOT)): told
        for path in files
        if (told := list(_find_bare_plurals(ast.parse(path.read_text("utf-8")))))
    }
    assert {} == found
