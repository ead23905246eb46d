"""`python -m vtspec.schema [--check]`: write, or check, what is made from the models.

The files are `schema/v1alpha1/*.schema.json` and `docs/spec.md` below the folder where it runs.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from vtspec.schema.json_schema.generate import generate_schema_files

from .spec_reference import render_reference


def generate_files() -> Mapping[str, str]:
    """Every file that is made from the models: path from the repository's root, and text."""
    schemas = {f"schema/v1alpha1/{name}": text for name, text in generate_schema_files().items()}
    return {**schemas, "docs/spec.md": render_reference()}


def find_stale_files(root: Path) -> list[str]:
    """The generated files below `root` that are absent or differ from what they should be."""
    return [
        name
        for name, text in generate_files().items()
        if not (root / name).is_file() or (root / name).read_text("utf-8") != text
    ]


def main(arguments: Sequence[str], root: Path) -> int:
    """Write the files, or with `--check` only say which differ; 0 where all is well."""
    if list(arguments) not in ([], ["--check"]):
        print("usage: python -m vtspec.schema [--check]", file=sys.stderr)
        return 2
    changed = find_stale_files(root)
    if arguments:
        for name in changed:
            print(
                f"{name}: differs from the models\n  fix: python -m vtspec.schema", file=sys.stderr
            )
        return 1 if changed else 0
    for name in changed:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(generate_files()[name], "utf-8")
        print(f"wrote {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path.cwd()))
