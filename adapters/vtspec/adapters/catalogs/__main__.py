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
from typing import cast

from vtspec.adapters.json_types import JsonObject

from .catalog_format import CatalogSource, build_catalog, dump, iter_differences


def main(
    arguments: Sequence[str] | None = None, find: Callable[[str], CatalogSource] | None = None
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
        source = (find or _import_source)(asked.framework)
        source.get_versions()
    except ModuleNotFoundError as error:
        parser.error(f"{error}; run this in the environment of a framework that has a module here")
    with warnings.catch_warnings():
        # Frameworks warn of what they will rename; a catalog has no use for it.
        warnings.simplefilter("ignore")
        if asked.check:
            return check(asked.framework, source, asked.into)
        write(asked.framework, source, asked.into)
    return 0


def write(framework: str, source: CatalogSource, into: Path) -> None:
    """Measure every model and write the catalog, whole or not at all."""
    partial = into.with_name(into.name + ".partial")
    entries = measure_models(source, partial)
    into.write_text(dump(build_catalog(framework, source, entries)), encoding="utf-8")
    partial.unlink()


def check(framework: str, source: CatalogSource, against: Path) -> int:
    """Measure every model and print what differs from the file; 1 where something does."""
    entries = {name: source.build_entry(name) for name in source.list_models()}
    new = json.loads(dump(build_catalog(framework, source, entries)))
    found = list(iter_differences(json.loads(against.read_text(encoding="utf-8")), new))
    for line in found:
        print(line)
    return 1 if found else 0


def measure_models(source: CatalogSource, partial: Path) -> dict[str, JsonObject]:
    """The entry of every model, from `partial` where it is there; each new one is added to it."""
    entries = _load_partial(partial, source.get_versions())
    names = source.list_models()
    with partial.open("a", encoding="utf-8") as file:
        if not entries:
            file.write(json.dumps({"versions": dict(source.get_versions())}) + "\n")
        for number, name in enumerate(names, start=1):
            if name not in entries:
                entries[name] = source.build_entry(name)
                file.write(json.dumps({"name": name, "entry": entries[name]}) + "\n")
                file.flush()
                print(f"{number}/{len(names)} {name}", file=sys.stderr)
    return entries


def _import_source(framework: str) -> CatalogSource:
    return cast(CatalogSource, importlib.import_module(f"{__package__}.{framework}"))


def _load_partial(partial: Path, versions: Mapping[str, str]) -> dict[str, JsonObject]:
    if not partial.exists():
        return {}
    head, *lines = [json.loads(line) for line in partial.read_text(encoding="utf-8").splitlines()]
    if head != {"versions": dict(versions)}:
        partial.unlink()
        return {}
    return {line["name"]: line["entry"] for line in lines}


if __name__ == "__main__":
    sys.exit(main())
