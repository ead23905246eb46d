"""One framework: what its image.yaml says, its locked environment and its models."""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias

from vtspec.adapters.json_types import JsonObject
from vtspec.pipelines.errors import Permanent

from .models import ADAPTERS_OWN, HUB_ID, CatalogModel, make_unlisted_model, parse_model
from .name_matching import find_by_prefix, find_closest, find_typo_match, normalize_name

TO_COME: Final = "0"
"""An adapter's version where there is none: no plan of it has the id of one that can be run."""

Supported: TypeAlias = Mapping[str, tuple[object, ...]]
"""The values that an adapter can do, by dotted path below `spec`."""


@dataclass(frozen=True, kw_only=True)
class EnvironmentSize:
    """What the locked packages take on a platform such as `linux-x86_64`."""

    platform: str
    download_bytes: int
    disk_bytes: int


@dataclass(frozen=True, kw_only=True)
class Framework:
    """A folder under `images/`, or of another package: an adapter, its environment, its models.

    `hub_ids` says that its models are hub ids (ORG/NAME), of which its catalog lists some, and
    those of vtspec/ that its adapter describes, of which it lists all.
    `trained_tasks` are those of its `tasks` that its adapter trains.
    `reads` are the kinds of image file that it decodes, every one where there is none named.
    `supported` holds the fields of a spec of which its adapter cannot do every value.
    `start_s` are the seconds that a process takes to import it, `environment_sizes` those of its
    locked packages; both as measured, where anybody did.
    `equal_locks` maps the hash of a lock to that of an earlier one of the same versions.
    """

    name: str
    adapter: str
    adapter_version: str
    tasks: tuple[str, ...]
    formats: tuple[str, ...]
    extra: str | None
    python: str
    licence: str
    distributions: tuple[str, ...]
    digest: str | None
    folder: Path
    hub_ids: bool = False
    start_s: float | None = None
    environment_sizes: tuple[EnvironmentSize, ...] = ()
    equal_locks: Mapping[str, str] = field(default_factory=dict, hash=False)
    supported: Supported = field(default_factory=dict, hash=False)
    reads: tuple[str, ...] = ()
    trained_tasks: tuple[str, ...] = ()

    def for_task(self, task: str | None) -> "Framework":
        """The framework as it is for one of its tasks: where its adapter is for others alone, as
        one whose adapter is to come, of which nothing is known but its models."""
        if task not in self.tasks or task in (self.trained_tasks or self.tasks):
            return self
        return replace(self, adapter_version=TO_COME, supported={}, distributions=(), start_s=None)

    @property
    def requirements(self) -> Path:
        """The locked environment; the file is absent where the framework needs no package."""
        return self.folder / "requirements.txt"

    @functools.cached_property
    def requirements_hash(self) -> str:
        """`sha256:…` over what `requirements` locks; comments and order do not count.

        Of a lock that image.yaml says to equal an earlier one, that one's: ids of plans have it.
        """
        from .lockfile import hash_requirements

        found = hash_requirements(self._requirements_text)
        return self.equal_locks.get(found, found)

    def get_locked_versions(self, environment: Mapping[str, str] | None = None) -> dict[str, str]:
        """The locked version of each of `distributions`; see `parse_locked_versions`."""
        from .lockfile import parse_locked_versions

        versions = parse_locked_versions(self._requirements_text, environment)
        return {name: versions[name] for name in self.distributions}

    @property
    def model_names(self) -> tuple[str, ...]:
        """The names of all models, without tags, in the catalog's order."""
        return tuple(self.catalog["models"])

    @property
    def versions(self) -> Mapping[str, str]:
        """The versions of the packages that the catalog was made from."""
        return MappingProxyType(self.catalog["versions"])

    def model(self, name: str) -> CatalogModel | None:
        """The model of that name, with or without a tag, exactly as written; or None.

        With `hub_ids` any hub id is a model, and beside them those that the adapter describes; of
        another name the catalog is not read.
        """
        if self.hub_ids:
            return self._find_hub_model(name)
        models = self.catalog["models"]
        architecture, _, tag = (name, "", "") if name in models else name.partition(".")
        raw = models.get(architecture)
        if raw is None:
            return None
        if tag and all(weights["tag"] != tag for weights in raw["weights"]):
            return None
        return parse_model(architecture, tag or None, raw)

    def _find_hub_model(self, name: str) -> CatalogModel | None:
        if not HUB_ID.fullmatch(name) or ".." in name:
            return None
        raw = self.catalog["models"].get(name)
        if name.startswith(ADAPTERS_OWN):
            # No hub has them, and there are no others than those that are listed.
            return None if raw is None else parse_model(name, None, raw)
        return make_unlisted_model(name) if raw is None else parse_model(name, None, raw, name)

    def find_new_name(self, name: str) -> str | None:
        """The name that the framework has given to a model of an older name, or None."""
        new = self.catalog["renamed"].get(name)
        return None if new is None or self.model(new) is None else str(new)

    def suggest(self, name: str) -> str | None:
        """The model that was most likely meant, with a tag where the name carries one; or None."""
        if self.hub_ids:
            # A point is part of a hub id's name: Qwen2.5-7B. And it is long, so that people type
            # its beginning (vit-base) more often than the whole of another (git-base) wrongly.
            names = self._normalized_names
            return (
                names.get(normalize_name(name))
                or find_by_prefix(name, names)
                or find_closest(name, names)
            )
        renamed = self.find_new_name(name)
        if renamed is not None:
            return renamed
        typed, dot, typed_tag = name.partition(".")
        meant = find_closest(typed, self._normalized_names)
        if meant is None or not dot:
            return meant
        tags = {
            normalize_name(each["tag"]): each["tag"]
            for each in self.catalog["models"][meant]["weights"]
        }
        tag = find_closest(typed_tag, tags)
        return meant if tag is None else f"{meant}.{tag}"

    def find_near_name(self, name: str) -> str | None:
        """The listed model whose name differs from this one by case or by one slip; or None."""
        names = self._normalized_names
        return names.get(normalize_name(name)) or find_typo_match(name, names)

    @functools.cached_property
    def catalog(self) -> JsonObject:
        """The catalog as it stands in its file, read when it is first asked for."""
        file = self.folder / "catalog.json"
        catalog: JsonObject = json.loads(_read_text(file))
        if catalog.get("form") != 1:
            raise Permanent(
                f"{file}: not a catalog of form 1",
                fix=f"python -m vtspec.adapters.catalogs {self.name}",
            )
        return catalog

    @functools.cached_property
    def _normalized_names(self) -> Mapping[str, str]:
        models = self.catalog["models"]
        found: dict[str, str] = {}
        # Those with published weights first: they are the likelier to be meant.
        # setdefault keeps the first of two names that are one without separators.
        for name in sorted(models, key=lambda name: not models[name]["weights"]):
            found.setdefault(normalize_name(name), name)
        if self.hub_ids:
            # People leave out who published it: vit-base for google/vit-base-patch16-224.
            for name in models:
                found.setdefault(normalize_name(name.partition("/")[2]), name)
        return found

    @functools.cached_property
    def _requirements_text(self) -> str:
        return self.requirements.read_text() if self.requirements.is_file() else ""


def choose_default(supported: Supported, path: str, usual: object) -> object:
    """What a field that is left out means: its usual default, or the first that can be done."""
    values = supported.get(path)
    return usual if values is None or usual in values else values[0]


def read_framework(file: Path, name: str | None = None) -> Framework:
    """The framework of an image.yaml, named as its folder where it is not said; `Permanent` where
    it cannot be used."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        raw = yaml.load(_read_text(file), Loader=loader)
        return _parse_framework(raw, file.parent, name or file.parent.name)
    except (yaml.YAMLError, KeyError, TypeError) as error:
        why = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise Permanent(
            f"{file}: not the description of an image: {why}",
            fix="write it as images/timm/image.yaml is written",
        ) from error


def _parse_framework(raw: JsonObject, folder: Path, name: str) -> Framework:
    return Framework(
        name=name,
        adapter=raw["adapter"],
        adapter_version=raw["adapterVersion"],
        tasks=tuple(raw["tasks"]),
        formats=tuple(raw["formats"]),
        extra=raw["extra"],
        python=raw["python"],
        licence=raw["licence"],
        distributions=tuple(raw["distributions"]),
        digest=raw.get("digest"),
        folder=folder,
        hub_ids=raw.get("hubIds", False),
        start_s=raw.get("startSeconds"),
        environment_sizes=tuple(
            EnvironmentSize(
                platform=platform,
                download_bytes=size["downloadBytes"],
                disk_bytes=size["diskBytes"],
            )
            for platform, size in raw.get("environment", {}).items()
        ),
        equal_locks=MappingProxyType(dict(raw.get("equalLocks", {}))),
        supported={path: tuple(values) for path, values in raw.get("supported", {}).items()},
        reads=tuple(raw.get("reads", ())),
        trained_tasks=tuple(raw.get("trainedTasks", raw["tasks"])),
    )


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise Permanent(
            f"{file}: cannot be read: {error.strerror}", fix="install vtspec again"
        ) from error
