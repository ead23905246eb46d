"""What a model starts from, pinned: a spec's words into weights that cannot change."""

import hashlib
import posixpath
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.errors import Permanent, Refused, Temporary, refuse_system_error
from vtspec.pipelines.project.source_tree import WORKING_TREE, SourceTree
from vtspec.pipelines.runs.json_values import to_mapping, to_text

from .hub import ModelHub
from .model import (
    HUB,
    Configuration,
    FileWeights,
    HubWeights,
    MlflowWeights,
    RunWeights,
    UnpinnedWeights,
    Weights,
)
from .model_versions import VersionLookup

if TYPE_CHECKING:
    from vtspec.pipelines.catalog import CatalogModel
    from vtspec.pipelines.runs import Run
    from vtspec.schema.kinds.experiment import Model

MODEL_FILE = "model/model.safetensors"
"""Where a run keeps its exported weights."""


@dataclass(frozen=True, kw_only=True)
class WeightsSources:
    """Where weights are looked for. `root` is the repository's, `runs` the runs' folder.

    `tree` is what the repository's own files are read from, `plan_of` the id of the plan that an
    experiment has as it stands.
    """

    root: Path
    runs: Path
    hub: ModelHub
    version_of: VersionLookup
    plan_of: Callable[[str], str | None]
    tree: SourceTree = WORKING_TREE


@dataclass(frozen=True, kw_only=True)
class PinnedWeights:
    """Weights that cannot change (None: a random start), and what a person should know of them.

    `licence_is_clear` says whether their licence allows any use; the user's own files count so.
    `configuration` is that of a model of a hub, where the weights do not pin it.
    """

    weights: Weights | None
    configuration: Configuration | None = None
    licence_is_clear: bool = True
    doubts: tuple[str, ...] = ()


def pin_weights(model: "Model", known: "CatalogModel", places: WeightsSources) -> PinnedWeights:
    """The weights that a spec's `model` asks for, at a revision, version or checksum.

    Where the hub does not answer they stay unpinned: such a plan can be read, and
    `refuse_unpinned` keeps it from being run. Raises `Refused` where the spec names what is not
    there, `Permanent` as the hub does, and `Permanent` and `Temporary` as MLflow does.
    """
    found = _pin_start(model, known, places)
    if known.hub_id is None or _is_from_hub(known.hub_id, found.weights):
        return found
    # The architecture is read from the hub's configuration even where the weights are one's own.
    described = _pin_hub(known.hub_id, "main", known, places)
    assert isinstance(described.weights, HubWeights | UnpinnedWeights)
    return replace(
        found, configuration=described.weights, doubts=(*found.doubts, *described.doubts)
    )


def _is_from_hub(hub_id: str, weights: Weights | None) -> bool:
    match weights:
        case HubWeights(id=name):
            return name == hub_id
        case UnpinnedWeights(source=source):
            return source == f"{HUB}{hub_id}"
        case _:
            return False


def _pin_start(model: "Model", known: "CatalogModel", places: WeightsSources) -> PinnedWeights:
    words = model.weights
    if words is not None:
        return _pin_named(words, known, places)
    return (
        _pin_published(model.name, known, places)
        if model.pretrained
        else PinnedWeights(weights=None)
    )


def _pin_named(words: str, known: "CatalogModel", places: WeightsSources) -> PinnedWeights:
    kind, _, rest = words.partition(":")
    # A file may be called `run`: without something behind the colon it is a path.
    match kind if rest else "":
        case "hf-hub":
            name, _, revision = rest.partition("@")
            return _pin_hub(name, revision or "main", known, places)
        case "run":
            return _pin_run(rest, places)
        case "models":
            return PinnedWeights(weights=_pin_registered(words, places))
        case _:
            return PinnedWeights(weights=_pin_file(words, places))


def _pin_published(name: str, known: "CatalogModel", places: WeightsSources) -> PinnedWeights:
    chosen = known.chosen_weights
    if chosen is None:
        raise Refused(
            f"there are no published weights of {name}",
            fix="set model.pretrained: false, or see: vtspec models search --pretrained",
        )
    if chosen.hub_id is None:
        # A bare URL has no revision: it is named in the plan, and refused when it is to run.
        return PinnedWeights(
            weights=UnpinnedWeights(source=str(chosen.url), licence=chosen.licence),
            licence_is_clear=chosen.permissive,
        )
    return _pin_hub(chosen.hub_id, "main", known, places)


def _pin_hub(
    name: str, revision: str, known: "CatalogModel", places: WeightsSources
) -> PinnedWeights:
    from vtspec.pipelines.catalog import UNKNOWN_LICENCE, is_permissive

    listed = next((each.licence for each in known.weights if each.hub_id == name), None)
    try:
        found = places.hub.resolve_revision(name, revision)
    except Temporary as error:
        source = f"{HUB}{name}" + ("" if revision == "main" else f"@{revision}")
        return PinnedWeights(
            weights=UnpinnedWeights(source=source, licence=listed),
            licence_is_clear=is_permissive(listed),
            doubts=(error.message,),
        )
    # What a catalog does not know the hub may.
    licence = found.licence if listed == UNKNOWN_LICENCE and found.licence else listed
    licence = licence or found.licence
    doubts = []
    if found.from_cache:
        doubts.append(
            f"the hub did not answer: the revision of {name} is the one in the local cache "
            f"({found.revision[:12]})"
        )
    return PinnedWeights(
        weights=HubWeights(id=name, revision=found.revision, licence=licence),
        licence_is_clear=is_permissive(licence),
        doubts=tuple(doubts),
    )


def _pin_file(words: str, places: WeightsSources) -> FileWeights:
    # As it is written: DVC may have made the file a link into a cache that lies elsewhere.
    path = posixpath.normpath(words)
    if posixpath.isabs(path) or path.split("/")[0] == "..":
        raise Refused(
            f"model.weights: {words} lies outside the repository",
            fix="copy the file into the repository and give its path from the root",
        )
    return FileWeights(path=path, sha256=_hash_file(places.root / path, words, places.tree))


def _pin_run(name: str, places: WeightsSources) -> PinnedWeights:
    from vtspec.pipelines.runs import Runs
    from vtspec.pipelines.runs.run import describe_changed_file
    from vtspec.pipelines.runs.state import MODEL_FOLDER

    runs = Runs(places.runs)
    run = runs.find_result(name, places.plan_of)
    runs.fetch(run, MODEL_FOLDER)
    file = run.path / MODEL_FILE
    if not file.is_file():
        raise Refused(
            f"run {run.name} has no {MODEL_FILE}: it did not come to its export",
            fix=format_command("vtspec", "status", run.name),
        )
    if MODEL_FILE in run.list_changed(MODEL_FOLDER):
        raise Refused(
            f"model.weights: {describe_changed_file(run, MODEL_FILE)}",
            fix=f"put the file back, or: {format_command('vtspec', 'run', run.name, '--again')}",
        )
    path = _find_relative_path(file, places) or f"{places.runs.name}/{run.name}/{MODEL_FILE}"
    licence = _find_inherited_licence(run)
    return PinnedWeights(
        weights=RunWeights(
            run=run.name, path=path, sha256=_hash_file(file, path), licence=licence
        ),
        licence_is_clear=licence is None,
        doubts=_find_other_plan(name, run, places),
    )


def _find_other_plan(name: str, run: "Run", places: WeightsSources) -> tuple[str, ...]:
    """That the last finished run of a spec is not of the spec as it stands, where it is not."""
    planned = places.plan_of(name) if run.spec_name == name else None
    if planned is None or planned == run.plan_id:
        return ()
    return (
        f"model.weights: run:{name} is {run.name}, its last finished run: {name} as it stands "
        "has none",
    )


def _find_inherited_licence(run: "Run") -> str | None:
    """Of what a run's model was made from that is not clearly permissive; None where all of it
    is, or nobody told."""
    from vtspec.pipelines.catalog import UNKNOWN_LICENCE, is_permissive

    try:
        plan = run.read_plan()
    except Permanent:
        return UNKNOWN_LICENCE
    model = to_mapping(plan.get("model"))
    parts = (model.get("weights"), plan.get("dataset"), plan.get("framework"))
    told = [to_text(to_mapping(part).get("licence")) for part in parts]
    found = dict.fromkeys(one for one in told if one is not None and not is_permissive(one))
    return " and ".join(found) or None


def _pin_registered(words: str, places: WeightsSources) -> MlflowWeights:
    path = words.removeprefix("models:").lstrip("/")
    name, at, alias = path.rpartition("@")
    if at:
        wanted = f"@{alias}"
    else:
        name, _, wanted = path.rpartition("/")
    if not name or wanted in ("", "@"):
        raise Refused(
            f"model.weights: '{words}' names no version of a model",
            fix="write models:/NAME/VERSION or models:/NAME@ALIAS",
        )
    return MlflowWeights(name=name, version=places.version_of(name, wanted))


def _find_relative_path(file: Path, places: WeightsSources) -> str | None:
    whole, root = file.absolute(), places.root.absolute()
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else None


def _hash_file(file: Path, shown: str, tree: SourceTree = WORKING_TREE) -> str:
    try:
        with tree.open(file) as content:
            digest = hashlib.sha256()
            while piece := content.read(1 << 20):
                digest.update(piece)
            return digest.hexdigest()
    except FileNotFoundError as error:
        raise Refused(
            f"model.weights: there is no file {shown}", fix="give its path from the root"
        ) from error
    except OSError as error:
        raise refuse_system_error(error) or Permanent(
            f"{shown} cannot be read: {error.strerror}"
        ) from error
