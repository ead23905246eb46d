"""What the world says of a spec, read once before it is planned: files first, then the network."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vtspec.pipelines import catalog
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.estimation.estimate import START_S, Machine, Timing
from vtspec.pipelines.project.overrides import (
    Override,
    apply_overrides,
    attribute_problem,
    map_spec_paths,
)
from vtspec.pipelines.project.repository import Repository
from vtspec.pipelines.runs import Runs
from vtspec.pipelines.validation import Catalogs, check_specs, check_teams, point_to_params
from vtspec.pipelines.weights.hub import ModelHub, make_hub
from vtspec.pipelines.weights.model_versions import VersionLookup, make_version_lookup
from vtspec.pipelines.weights.pinning import WeightsSources, pin_weights
from vtspec.schema.problem import Problem, SpecError

from .plan import ModelFacts, PlanInputs, build_plan
from .plan_model import Plan, PlannedFramework
from .run_timings import find_timings

if TYPE_CHECKING:
    from vtspec.schema.kinds.dataset import Dataset
    from vtspec.schema.kinds.experiment import Experiment
    from vtspec.schema.load import LoadedSpec


@dataclass(frozen=True, kw_only=True)
class ModelSources:
    """Where models are looked up: the hub, MLflow's registry, and the catalogs by framework.

    What is None is what the environment says. `planned` are the experiments that are being
    planned now: two may each start from a run of the other. `timings` is what runs took, by their
    folder and model, as far as it was read for what is being planned.
    """

    hub: ModelHub | None = None
    version_of: VersionLookup | None = None
    frameworks: Mapping[str, catalog.Framework] | None = None
    planned: frozenset[str] = frozenset()
    timings: dict[tuple[Path, str], tuple[Timing, ...]] = field(default_factory=dict)


def resolve_spec(
    path: Path,
    repository: Repository,
    overrides: Sequence[Override] = (),
    sources: ModelSources | None = None,
) -> "tuple[Experiment, PlanInputs]":
    """The experiment in `path`, with `overrides`, and all that `plan` needs to know of the world.

    Every problem that `validate` would tell is told first. Raises `SpecError`, `Refused`,
    `Permanent` or `Temporary`. Data is never looked at, only what pins it.
    """
    sources = sources or ModelSources()
    spec, inputs = _resolve_alone(path, repository, overrides, sources)
    baseline = find_baseline_plan(spec.spec.report.baseline, repository, sources)
    return spec, replace(inputs, baseline_plan=None if baseline is None else baseline.id)


def find_baseline_plan(
    name: str | None, repository: Repository, sources: ModelSources | None = None
) -> Plan | None:
    """The plan of a baseline's spec as it stands; None where there is none, or it has errors.

    Its own baseline is left out, which nobody is compared with.
    """
    path = None if name is None else repository.find_spec_files("Experiment").get(name)
    if path is None:
        return None
    try:
        return build_plan(*_resolve_alone(path, repository, (), sources or ModelSources()))
    except (SpecError, Refused, Permanent, Temporary):
        return None


def find_plan_id(
    name: str, repository: Repository, sources: ModelSources | None = None
) -> str | None:
    """The id of the plan that a spec has as it stands; None as of `find_baseline_plan`."""
    plan = find_baseline_plan(name, repository, sources)
    return None if plan is None else plan.id


def _resolve_alone(
    path: Path, repository: Repository, overrides: Sequence[Override], sources: ModelSources
) -> "tuple[Experiment, PlanInputs]":
    catalogs = Catalogs(sources.frameworks)
    try:
        loaded = apply_overrides(repository.load(path), overrides)
    except SpecError as error:
        raise SpecError([point_to_params(one, catalogs) for one in error.problems]) from None
    spec = _get_experiment(loaded, repository)
    doubts = _check_spec(loaded, path, repository, catalogs, overrides)
    pinned_data = _pin_dataset(spec, repository)
    dataset = pinned_data.dataset
    framework, model = _find_model(spec, catalogs)
    looked_up = replace(sources, planned=sources.planned | {spec.metadata.name})
    pinned = pin_weights(spec.spec.model, model, _build_weights_sources(repository, looked_up))
    gpu = repository.project.spec.gpu_types.get(spec.spec.resources.gpu_type or "")
    return spec, PlanInputs(
        spec_path=repository.make_relative(path),
        dataset=dataset,
        dataset_hash=pinned_data.hash,
        hash_origin=pinned_data.origin,
        framework=PlannedFramework(
            name=framework.name,
            adapter=framework.adapter,
            adapter_version=framework.adapter_version,
            requirements_hash=framework.requirements_hash,
            image_digest=framework.digest,
            licence=framework.licence,
        ),
        model=_build_model_facts(spec, model, dataset),
        params=catalogs.params_of(framework),
        weights=pinned.weights,
        configuration=pinned.configuration,
        machine=_build_machine(spec, repository),
        has_bf16=None if gpu is None else gpu.bf16,
        licence_is_clear=pinned.licence_is_clear,
        timings=_read_timings(spec.spec.model.name, repository, sources),
        supported=framework.supported,
        start_s=START_S if framework.start_s is None else framework.start_s,
        overridden=frozenset(map_spec_paths(overrides)),
        overrides=tuple(one.option.removeprefix("--set ") for one in overrides),
        doubts=(*doubts, *pinned.doubts),
    )


def _read_timings(model: str, repository: Repository, sources: ModelSources) -> tuple[Timing, ...]:
    key = (repository.runs, model)
    if key not in sources.timings:
        sources.timings[key] = find_timings(Runs(repository.runs), model)
    return sources.timings[key]


def _get_experiment(loaded: "LoadedSpec", repository: Repository) -> "Experiment":
    from vtspec.schema.kinds.experiment import Experiment

    if isinstance(loaded.model, Experiment):
        return loaded.model
    kind = type(loaded.model).__name__
    using = [
        name
        for name, data in repository.sound_experiments.items()
        if data["spec"]["dataset"]["ref"] == loaded.name
    ]
    fix = "name a spec under specs/experiments"
    if using and kind == "Dataset":
        fix = f"name an experiment on it, such as: {', '.join(using[:5])}"
    raise Refused(
        f"{loaded.document.file} is of kind {kind}, and only an Experiment can be planned",
        fix=fix,
    )


def _check_spec(
    loaded: "LoadedSpec",
    path: Path,
    repository: Repository,
    catalogs: Catalogs,
    overrides: Sequence[Override],
) -> tuple[str, ...]:
    """What `validate` would warn of; raises `SpecError` with all of it where there is an error."""
    paths = {loaded.file: repository.tree.resolve(path)}
    found = check_specs([loaded], repository, paths, catalogs)
    problems = [attribute_problem(problem, overrides) for problem in found]
    if repository.limits_teams and repository.config is not None:
        problems += check_teams(repository.config.document, repository)
    if any(problem.severity == "error" for problem in problems):
        raise SpecError(problems)
    return tuple(f"{one.path.removeprefix('spec.')} {one.message}; {one.fix}" for one in problems)


@dataclass(frozen=True, kw_only=True)
class _PinnedData:
    dataset: "Dataset"
    hash: str
    origin: str


def _pin_dataset(spec: "Experiment", repository: Repository) -> _PinnedData:
    dataset = repository.load_dataset(spec.spec.dataset.ref)
    source, written = dataset.spec.source, dataset.spec.content_hash
    if source.dvc is None or source.dvc.repo is not None:
        if written is None:
            message = "is needed here: no DVC file of this repository pins this source"
            raise SpecError([_make_hash_problem(dataset, repository, message, _HASH_FIX)])
        return _PinnedData(dataset=dataset, hash=written, origin="dataset")
    from vtspec.pipelines.data.dvc_files import load_pointer

    pointer = load_pointer(repository.root, source.dvc.path, repository.tree)
    if written not in (None, pointer.hash):
        message = f"is {written}, but {pointer.file} says {pointer.hash}"
        fix = f"set contentHash to {pointer.hash}, or leave it out"
        raise SpecError([_make_hash_problem(dataset, repository, message, fix)])
    return _PinnedData(dataset=dataset, hash=pointer.hash, origin=pointer.file)


_HASH_FIX = "vtspec datasets inspect PATH prints it: contentHash: md5:…"


def _make_hash_problem(
    dataset: "Dataset", repository: Repository, message: str, fix: str
) -> Problem:
    loaded = repository.load_dataset_file(dataset.metadata.name)
    return loaded.document.make_problem(("spec", "contentHash"), message, fix)


def _find_model(
    spec: "Experiment", catalogs: Catalogs
) -> tuple[catalog.Framework, catalog.CatalogModel]:
    # The check has refused a model that none has, and one that several have.
    ((framework, model),) = catalogs.find_model(spec.spec.model.name, spec.spec.framework)
    return framework.for_task(spec.spec.task), model


def _build_model_facts(
    spec: "Experiment", model: catalog.CatalogModel, dataset: "Dataset"
) -> ModelFacts:
    classes = spec.spec.dataset.classes or dataset.spec.classes
    weights = model.chosen_weights if spec.spec.model.pretrained or model.tag else None
    own = model.image_size
    size = (None if weights is None else weights.image_size) or own
    area = 1.0
    if size is not None and own is not None:
        area = size[0] * size[1] / (own[0] * own[1])
    return ModelFacts(
        parameters=model.count_parameters(len(classes), _get_size(spec))
        if classes
        else model.parameters,
        image_size=size,
        gmacs=None if model.gmacs is None else model.gmacs * area,
        kept_millions=None if model.activations is None else model.activations * area,
    )


def _get_size(spec: "Experiment") -> catalog.Size | None:
    size = spec.spec.training.image_size
    return (size, size) if isinstance(size, int) else size


def _build_machine(spec: "Experiment", repository: Repository) -> Machine:
    resources, project = spec.spec.resources, repository.project.spec
    gpu = project.gpu_types.get(resources.gpu_type or "")
    return Machine(
        gpus=resources.gpus,
        cpus=resources.cpus,
        gpu_type=resources.gpu_type,
        tflops=None if gpu is None else gpu.tflops,
        gpu_price=None if gpu is None else gpu.price_per_hour,
        cpu_gflops=project.cpu_gflops,
        cpu_price=project.prices.cpu_per_hour,
        currency=project.prices.currency,
    )


def _build_weights_sources(repository: Repository, sources: ModelSources) -> WeightsSources:
    from vtspec.pipelines.tracking import choose_tracking_uri

    def find_other_id(name: str) -> str | None:
        return None if name in sources.planned else find_plan_id(name, repository, sources)

    uri = choose_tracking_uri(repository.runs, repository.project.spec.tracking.uri, os.environ)
    return WeightsSources(
        root=repository.root,
        runs=repository.runs,
        hub=sources.hub or make_hub(),
        version_of=sources.version_of or make_version_lookup(uri),
        plan_of=find_other_id,
        tree=repository.tree,
    )
