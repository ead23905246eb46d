"""The catalog as a file: JSON with one model a line, so that a difference reads well."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Protocol

from vtspec.adapters.json_types import JsonObject

FORM = 1


class CatalogSource(Protocol):
    """What the module `vtspec.adapters.catalogs.<framework>` tells of its framework's models."""

    def get_versions(self) -> Mapping[str, str]:
        """The installed packages that decide what the catalog says."""
        ...

    def list_models(self) -> list[str]:
        """Every model, in the order of the file."""
        ...

    def get_renames(self) -> Mapping[str, str]:
        """Names that the framework has given up → the names that it uses now."""
        ...

    def build_entry(self, name: str) -> JsonObject:
        """One model's line: tasks, parameters, sizes, cost and weights."""
        ...


def build_catalog(framework: str, source: CatalogSource, entries: JsonObject) -> JsonObject:
    """The whole catalog, of entries that were made before."""
    return {
        "form": FORM,
        "framework": framework,
        "versions": dict(source.get_versions()),
        "renamed": dict(source.get_renames()),
        "models": {name: entries[name] for name in source.list_models()},
    }


def dump(made: JsonObject) -> str:
    """The text of `catalog.json`, with one model a line so that diffs name models."""
    head = [
        f"{_dump_json(key)}: {_dump_json(value)},"
        for key, value in made.items()
        if key != "models"
    ]
    models = [f"{_dump_json(name)}: {_dump_json(entry)}" for name, entry in made["models"].items()]
    return "{\n" + "\n".join(head) + '\n"models": {\n' + ",\n".join(models) + "\n}\n}\n"


def iter_differences(old: JsonObject, new: JsonObject) -> Iterator[str]:
    """One line for each thing that two catalogs say differently."""
    for key in sorted((old.keys() | new.keys()) - {"models"}):
        if old.get(key) != new.get(key):
            yield f"{key}: {_dump_json(old.get(key))} is now {_dump_json(new.get(key))}"
    before, after = old.get("models", {}), new.get("models", {})
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            yield f"{name}: is no longer there"
        elif name not in before:
            yield f"{name}: is new"
        else:
            fields = [key for key in after[name] if after[name][key] != before[name].get(key)]
            if fields:
                yield f"{name}: {', '.join(fields)}"


def _dump_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
