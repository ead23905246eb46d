"""A spec as the Kubernetes objects that carry it out; nothing is sent anywhere."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtspec.adapters.shell_command import quote_word
from vtspec.pipelines.cache_folder import find_store, is_store
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.formatting import format_duration
from vtspec.schema.kinds.rules import suggest_line
from vtspec.schema.problem import Problem, SpecError

from .plan import plan_spec

if TYPE_CHECKING:
    from vtspec.pipelines.argo.settings import DataRemote, RenderSettings, SettingProblem
    from vtspec.pipelines.planning.plan_model import Plan
    from vtspec.pipelines.project.repository import Repository
    from vtspec.pipelines.weights.hub import Hub
    from vtspec.schema.kinds.cluster import Cluster
    from vtspec.schema.kinds.experiment import Schedule


@dataclass(frozen=True, kw_only=True)
class RenderedRun:
    """The plan, and the objects of a run of it in the order in which they are created: the last is
    its Workflow, or the CronWorkflow of its `schedule`.

    `may_submit` is False where `vtspec.yaml` leaves that to the controller. `warnings` tell what
    could not be found out about it from here.
    """

    plan: "Plan"
    documents: tuple[Mapping[str, Any], ...]
    may_submit: bool
    warnings: tuple[str, ...] = ()
    schedule: "Schedule | None" = None


def render_spec(
    path: Path,
    repository: "Repository",
    sets: Sequence[str] = (),
    *,
    attempt: int = 1,
) -> RenderedRun:
    """Plan the spec in `path` and write down the objects of a run of it on the cluster.

    The repository's author decides the team where no folder does. Raises `SpecError` with
    everything that `vtspec.yaml`, the spec or the framework's image lacks for a cluster, `Refused`
    where the remote lacks the data, and as planning does.
    """
    from vtspec.pipelines.argo import render, render_cron_workflow, render_plan_config

    planned = plan_spec(path, repository, sets)
    made, count = planned.made, len(planned.plans)
    if count > 1:
        # One of them under the spec's name would pass for what was asked.
        raise Refused(
            f"report.seeds asks for {count} plans, and a cluster is given one at a time",
            fix="render each seed by itself: --set report.seeds=null --set training.seed="
            f"{made.training.seed}",
        )
    settings = find_run_settings(made, repository)
    schedule = planned.schedule
    return RenderedRun(
        plan=made,
        documents=(
            render_plan_config(made, settings),
            render(made, settings, attempt)
            if schedule is None
            else render_cron_workflow(made, settings, schedule, attempt),
        ),
        may_submit=_get_cluster(repository).submit == "anyone",
        warnings=tuple(_find_warnings(made, settings, repository, attempt)),
        schedule=schedule,
    )


@dataclass(frozen=True, kw_only=True)
class Obstacle(Problem):
    """Why a plan cannot be carried out on the cluster; `korean` is its message and its fix."""

    korean: str


def find_run_settings(
    made: "Plan", repository: "Repository", team: str | None = None
) -> "RenderSettings":
    """What a run of the plan needs to know of the cluster, as `team` has it carried out, or whose
    it is by its folder or the repository's author. Raises `SpecError` with everything
    that `vtspec.yaml`, the plan's spec or its framework's image lacks for one."""
    from vtspec.pipelines.argo import find_settings

    store, author = find_store(repository.runs), repository.author
    settings = find_settings(made, repository.project.spec, store, author, team)
    if isinstance(settings, tuple):
        path = repository.root / made.spec_path
        raise SpecError([_place_problem(one, made, path, repository) for one in settings])
    return settings


def find_access_caution(settings: "RenderSettings") -> str | None:
    """That a run's pods hold a credential for all runs, whose it is, and what to do about it; None
    where each run has one of its own."""
    runs = settings.runs
    if runs.role is not None:
        return None
    whose = "the service account's" if runs.secret is None else f"of Secret {runs.secret}"
    return (
        f"a run's pods hold a credential for all of {runs.url} ({whose}); with cluster.runsRole "
        "in vtspec.yaml each run has one of its own"
    )


def find_renewal_caution(made: "Plan", repository: "Repository") -> str | None:
    """That a run of the plan on the cluster may outlive its credential, what renews it, and what
    comes where nobody does; None where it cannot."""
    from vtspec.schema.kinds.patterns import parse_duration

    cluster, longest = repository.project.spec.cluster, made.resources.max_duration
    if cluster is None or cluster.runs_role is None:
        return None
    wait_s, good_s = map(parse_duration, (cluster.max_wait, cluster.runs_role.duration))
    if parse_duration(longest) + wait_s <= good_s:
        return None
    return (
        f"on the cluster the run may take {longest} and wait {format_duration(wait_s)} "
        f"(cluster.maxWait), longer than the {format_duration(good_s)} that its credential is "
        "good for (cluster.runsRole.duration): only who looks on renews it ('vtspec run RUN', "
        "'vtspec logs RUN -f', the controller of its repository); where nobody does, steps can "
        "store nothing then, and the run is interrupted until it goes on with --resume"
    )


def _find_warnings(
    made: "Plan", settings: "RenderSettings", repository: "Repository", attempt: int
) -> Iterator[str]:
    if (unchecked := check_data(made, settings.remote, repository.root)) is not None:
        yield unchecked
    if (caution := find_access_caution(settings)) is not None:
        yield caution
    else:
        from vtspec.pipelines.argo.storage import get_credential_name
        from vtspec.pipelines.runs import make_run_name

        secret = get_credential_name(make_run_name(made.id, attempt))
        yield (
            f"its pods wait for Secret {secret}, their credential by cluster.runsRole, which "
            "'vtspec run --backend argo' alone makes: applied by hand, it would wait forever"
        )
    if (caution := find_renewal_caution(made, repository)) is not None:
        yield caution


def check_data(made: "Plan", remote: "DataRemote", root: Path) -> str | None:
    """What to warn of where the remote cannot be asked from here whether it has the plan's data.

    Raises `Refused` where it has not.
    """
    from vtspec.pipelines.data.dvc_remote import check_remote
    from vtspec.pipelines.data.fetch import PinnedData

    data = made.dataset
    pinned = PinnedData(name=data.name, hash=data.hash, source=data.source)
    return check_remote(pinned, root, remote.url, remote.name)


def check_weights(made: "Plan", hub: "Hub | None" = None) -> str | None:
    """What to warn of where the hub, that of pods if None, cannot be asked from here whether it
    has what the plan's model takes from it. A pod has no token of it.

    Raises `Refused` where it has not, or shows it only to some.
    """
    from vtspec.pipelines.weights.hub import make_hub

    try:
        for part in made.model.hub_files:
            (hub or make_hub({})).check_revision(part.id, part.revision)
    except Temporary as error:
        return error.message
    except Permanent as error:
        raise Refused(
            f"{error.message}, and a pod asks without a token",
            fix="start from weights that everybody may read, or run it here with 'vtspec run'",
        ) from error
    return None


def render_queues(repository: "Repository") -> Mapping[str, Any]:
    """The ConfigMap of the semaphores that `vtspec.yaml` describes. Raises `Refused` for none."""
    from vtspec.pipelines.argo import render_semaphores

    cluster = _get_cluster(repository)
    if not cluster.semaphores:
        raise Refused(
            "vtspec.yaml describes no semaphores: queues are Kueue's",
            fix="where there is no Kueue, "
            + suggest_line("semaphores: {gpu: 1}", cluster.model_fields_set)
            + " under 'spec.cluster'",
        )
    return render_semaphores(cluster.namespace, cluster.semaphores)


def _get_cluster(repository: "Repository") -> "Cluster":
    spec = repository.project.spec
    cluster = spec.cluster
    if cluster is None:
        line = "cluster: {namespace: NAMESPACE, volumeClaim: CLAIM}"
        raise Refused(
            "vtspec.yaml describes no cluster",
            fix=f"{suggest_line(line, spec.model_fields_set)} under 'spec'",
        )
    return cluster


def _make_folder_problem(named: Path, repository: "Repository") -> Problem:
    """That runs were said to be in a folder, whatever `vtspec.yaml` says."""
    configured = repository.project.spec.runs
    return Problem(
        file=f"--runs {quote_word(str(named))}",
        line=0,
        column=0,
        path="",
        value=str(named),
        message="is a folder of this machine, and a run on a cluster needs its runs in a store",
        fix=f"leave --runs out: vtspec.yaml has {configured}"
        if is_store(configured)
        else "--runs s3://BUCKET/PREFIX",
    )


def _place_problem(
    found: "SettingProblem", made: "Plan", path: Path, repository: "Repository"
) -> Problem:
    """The problem at its place in the file where it is mended."""
    broken = found.broken
    named = repository.runs_folder
    if broken.path == ("spec", "runs") and named is not None:
        return _make_folder_problem(named, repository)
    document = None
    if found.file == "spec":
        document = repository.load(path).document
    elif found.file == "vtspec.yaml" and repository.config is not None:
        document = repository.config.document
    if document is not None:
        problem = document.make_problem(broken.path, broken.message, broken.fix)
        return make_obstacle(problem, found.korean)
    from vtspec.pipelines.operations.frameworks import find_framework

    framework = find_framework(made.framework.name)
    file = framework.folder / "image.yaml" if found.file == "image" else Path("vtspec.yaml")
    problem = Problem(
        file=repository.format_path(file),
        line=1,
        column=1,
        path=".".join(str(part) for part in broken.path),
        value=None,
        message=broken.message,
        fix=broken.fix,
    )
    return make_obstacle(problem, found.korean)


def make_obstacle(problem: Problem, korean: str) -> Obstacle:
    """The same problem, said in Korean too."""
    return Obstacle(**vars(problem), korean=korean)
