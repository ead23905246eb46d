"""Write a framework's catalog: `python -m vtspec.adapters.catalogs timm --into FILE`.

What was measured is kept beside the file as it comes (`FILE.partial`), so that a run that was
interrupted goes on where it was. `--check` writes nothing and exits 1 where the file differs.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from .catalog_format import Source, catalog, differences, dump


def main(
    arguments: Sequence[str] | None = None, find: Callable[[str], Source] | None = None
) -> int:
    """Run the command; its exit code. `find` gives the source of a framework's name."""
    parser = argparse.ArgumentParser(
        prog="python -m vtspec.adapters.catalogs", description=__doc__
    )
    parser.add_argument("framework", help="a module of vtspec.adapters.catalogs, such as timm")
    parser.add_argument(
        "--into", type=Path, required=True, metavar="FILE", help="the catalog.json"
    )
    parser.add_argument("--check", action="store_true", help="compare with FILE instead")
    asked = parser.parse_args(arguments)
    try:
        source = (find or _module)(asked.framework)
        source.versions()
    except ModuleNotFoundError as error:
        parser.error(f"{error}; run this in the environment of a framework that has a module here")
    with warnings.catch_warnings():
        # Frameworks warn of what they will rename; a catalog has no use for it.
        warnings.simplefilter("ignore")
        if asked.check:
            return check(asked.framework, source, asked.into)
        write(asked.framework, source, asked.into)
    return 0


def write(framework: str, source: Source, into: Path) -> None:
    """Measure every model and write the catalog, whole or not at all."""
    partial = into.with_name(into.name + ".partial")
    entries = measured(source, partial)
    into.write_text(dump(catalog(framework, source, entries)), encoding="utf-8")
    partial.unlink()


def check(framework: str, source: Source, against: Path) -> int:
    """Measure every model and print what differs from the file; 1 where something does."""
    entries = {name: source.entry(name) for name in source.names()}
    new = json.loads(dump(catalog(framework, source, entries)))
    found = list(differences(json.loads(against.read_text(encoding="utf-8")), new))
    for line in found:
        print(line)
    return 1 if found else 0


def measured(source: Source, partial: Path) -> dict[str, Any]:
    """The entry of every model, from `partial` where it is there; each new one is added to it."""
    entries = _kept(partial, source.versions())
    names = source.names()
    with partial.open("a", encoding="utf-8") as file:
        if not entries:
            file.write(json.dumps({"versions": dict(source.versions())}) + "\n")
        for number, name in enumerate(names, start=1):
            if name not in entries:
                entries[name] = source.entry(name)
                file.write(json.dumps({"name": name, "entry": entries[name]}) + "\n")
                file.flush()
                print(f"{number}/{len(names)} {name}", file=sys.stderr)
    return entries


def _module(framework: str) -> Source:
    return cast(Source, importlib.import_module(f"{__package__}.{framework}"))


def _kept(partial: Path, versions: Mapping[str, str]) -> dict[str, Any]:
    if not partial.exists():
        return {}
    head, *lines = [json.loads(line) for line in partial.read_text(encoding="utf-8").splitlines()]
    if head != {"versions": dict(versions)}:
        partial.unlink()
        return {}
    return {line["name"]: line["entry"] for line in lines}


if __name__ == "__main__":
    sys.exit(main())
