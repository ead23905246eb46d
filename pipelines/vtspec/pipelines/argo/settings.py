"""What a Workflow needs to know beside its plan: found in `vtspec.yaml`, or told what lacks. Pure.

Whatever lacks is told at once, each with the line to type.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from vtspec.pipelines.data.source import DvcSource
from vtspec.pipelines.language import Sentence
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.validation.teams import check_limits, explain_limit, find_team
from vtspec.pipelines.weights.model import HubWeights
from vtspec.schema.kinds.field_types import to_camel
from vtspec.schema.kinds.patterns import LONGEST_DURATION, parse_duration
from vtspec.schema.kinds.rules import RuleViolation, suggest_line

if TYPE_CHECKING:
    from vtspec.schema.kinds.cluster import Cluster, Remote, Team
    from vtspec.schema.kinds.field_types import Part
    from vtspec.schema.kinds.project import GpuType, ProjectSpec

_ANY_STORE: Final = "s3://BUCKET/PREFIX"
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Toleration:
    """A taint that a pod puts up with; any value and any effect of it where they are None."""

    key: str
    value: str | None
    effect: str | None


@dataclass(frozen=True, kw_only=True)
class GpuPlacement:
    """What the nodes that have a GPU call it, and how pods come to them.

    `queue` is where its quota is waited for: Kueue's, or one of Argo's semaphores.
    """

    resource: str
    node_selector: Mapping[str, str]
    tolerations: tuple[Toleration, ...]
    queue: str | None


@dataclass(frozen=True, kw_only=True)
class DataRemote:
    """The store that a plan's data is fetched from, by its name in `vtspec.yaml`, and the Secret
    that reading it needs."""

    name: str
    url: str
    secret: str | None


@dataclass(frozen=True, kw_only=True)
class StoreRole:
    """The role that each run is given a part of, the service that hands it out (None for that of
    the environment), and for how long at a time."""

    arn: str
    endpoint: str | None
    duration_s: int


@dataclass(frozen=True, kw_only=True)
class RunStore:
    """The store that a run is in, and what reading and writing it needs: a Secret that is there,
    or a role by which each run gets one of its own; neither where the service account may."""

    url: str
    secret: str | None
    role: StoreRole | None = None


@dataclass(frozen=True, kw_only=True)
class RenderSettings:
    """Where a plan's Workflow runs. Every value is the operator's, none is a spec's."""

    namespace: str
    service_account: str
    image: str
    volume_claim: str
    runs: RunStore
    remote: DataRemote
    gpu: GpuPlacement | None
    uses_kueue: bool
    team: str | None
    max_wait_s: int
    keep_for_s: int
    ephemeral_storage: str
    cache_age: str | None


@dataclass(frozen=True, kw_only=True)
class SettingProblem:
    """Why a plan cannot be rendered: in which file, at which of its fields, and what to type;
    the same in Korean."""

    file: Literal["vtspec.yaml", "spec", "image"]
    broken: RuleViolation
    korean: str


def find_settings(
    plan: Plan,
    project: "ProjectSpec",
    runs: str | None,
    author: str | None = None,
    team: str | None = None,
) -> RenderSettings | tuple[SettingProblem, ...]:
    """The settings of a plan's Workflow, or everything that stands against it.

    `runs` is the address of the store that runs are in, None where they are in a folder; `author`
    is who asks, by the name or address that `teams` has of them.
    """
    team = team or find_team(project.teams, plan.spec_path, author)
    problems = tuple(_find_problems(plan, project, runs, team))
    if problems:
        return problems
    cluster, name = project.cluster, _choose_remote(plan, project.remotes)
    assert cluster is not None and cluster.volume_claim is not None
    assert name is not None and runs is not None
    remote = project.remotes[name]
    return RenderSettings(
        namespace=cluster.namespace,
        service_account=cluster.service_account,
        image=f"{project.registry}/vtspec-{plan.framework.name}@{plan.framework.image_digest}",
        volume_claim=cluster.volume_claim,
        runs=RunStore(url=runs, secret=cluster.runs_secret, role=_find_role(cluster)),
        remote=DataRemote(name=name, url=remote.url, secret=remote.secret),
        gpu=_find_placement(plan, project, team),
        uses_kueue=cluster.semaphores is None,
        team=team,
        max_wait_s=parse_duration(cluster.max_wait),
        keep_for_s=parse_duration(cluster.keep_for),
        ephemeral_storage=cluster.ephemeral_storage,
        cache_age=project.retention.caches,
    )


def _find_role(cluster: "Cluster") -> StoreRole | None:
    role = cluster.runs_role
    if role is None:
        return None
    return StoreRole(
        arn=role.arn, endpoint=role.endpoint, duration_s=parse_duration(role.duration)
    )


def _find_placement(plan: Plan, project: "ProjectSpec", team: str | None) -> GpuPlacement | None:
    if not plan.resources.gpus or plan.resources.gpu_type is None:
        return None
    gpu = project.gpu_types[plan.resources.gpu_type]
    return GpuPlacement(
        resource=gpu.resource,
        node_selector=gpu.node_selector,
        tolerations=tuple(
            Toleration(key=one.key, value=one.value, effect=one.effect) for one in gpu.tolerations
        ),
        queue=_choose_queue(gpu, None if team is None else project.teams[team]),
    )


def _choose_queue(gpu: "GpuType", team: "Team | None") -> str | None:
    return gpu.queue if team is None or team.queue is None else team.queue


def _choose_remote(plan: Plan, remotes: "Mapping[str, Remote]") -> str | None:
    source = plan.dataset.source
    named = source.remote if isinstance(source, DvcSource) else None
    # Of one there is no doubt.
    return named if named in remotes else next(iter(remotes), None)


def _find_problems(
    plan: Plan, project: "ProjectSpec", runs: str | None, team: str | None
) -> Iterator[SettingProblem]:
    if project.cluster is None:
        line = "cluster: {namespace: NAMESPACE, volumeClaim: CLAIM}"
        yield _lacks(project, ("cluster",), Sentence(en="no cluster", ko="클러스터"), line)
    elif project.cluster.volume_claim is None:
        what = Sentence(
            en="no volume that keeps fetched data for a run's pods",
            ko="파드가 가져온 데이터를 보관할 볼륨",
        )
        yield _lacks(project.cluster, ("cluster", "volumeClaim"), what, "volumeClaim: CLAIM")
    if runs is None:
        what = Sentence(en="no store of runs", ko="실행을 보관할 저장소")
        yield _lacks(project, ("runs",), what, f"runs: {_ANY_STORE}")
    if project.registry is None:
        what = Sentence(en="no registry of images", ko="이미지 레지스트리")
        yield _lacks(project, ("registry",), what, "registry: ghcr.io/acme")
    yield from _check_image(plan)
    yield from _check_data(plan, project)
    yield from _check_weights(plan)
    yield from _check_gpu(plan, project)
    yield from _check_duration(plan)
    if team is not None:
        asked = plan.resources
        for broken in check_limits(asked.gpus, asked.max_duration, team, project.teams[team]):
            limits = project.teams[team]
            korean = explain_limit(broken, team, limits, asked.gpus, asked.max_duration)
            yield SettingProblem(file="spec", broken=broken, korean=korean)


def _check_image(plan: Plan) -> Iterator[SettingProblem]:
    framework, digest = plan.framework.name, plan.framework.image_digest
    if digest is not None and _DIGEST.fullmatch(digest):
        return
    said = "says of no published image" if digest is None else f"has no digest but '{digest}'"
    lock = (
        f"vtspec images build {framework} && vtspec images push {framework} && "
        f"vtspec images lock {framework}"
    )
    yield SettingProblem(
        file="image",
        broken=RuleViolation(
            path=("digest",),
            message=f"{said}, and a pod is given {framework}'s by digest alone",
            fix=f"{lock}, and plan again",
        ),
        korean=f"파드는 다이제스트로 고정된 {framework} 이미지만 받는데 게시된 이미지가 없습니다. "
        f"실행한 뒤 다시 계획하세요: {lock}",
    )


def _check_data(plan: Plan, project: "ProjectSpec") -> Iterator[SettingProblem]:
    dataset, source, remotes = plan.dataset, plan.dataset.source, project.remotes
    if not isinstance(source, DvcSource):
        yield SettingProblem(
            file="spec",
            broken=RuleViolation(
                path=("spec", "dataset", "ref"),
                message=f"{dataset.name} is a plain folder, which no pod has",
                fix="version it with DVC and push it: 'dvc add', 'dvc push', and 'source: {dvc: "
                "{path: …}}' in the dataset",
            ),
            korean=f"{dataset.name} 데이터는 일반 폴더라서 파드에 없습니다. DVC로 관리하고 "
            "올리세요: 'dvc add', 'dvc push', 데이터셋에 'source: {dvc: {path: …}}'",
        )
    elif source.remote not in remotes and (source.remote is not None or not remotes):
        name = source.remote or "storage"
        line = f"{name}: {{url: {_ANY_STORE}}}"
        what = "no remote" if source.remote is None else f"no remote '{name}'"
        korean = "원격 저장소" if source.remote is None else f"원격 저장소 '{name}'"
        yield _lacks(
            project,
            ("remotes", name) if remotes else ("remotes",),
            Sentence(
                en=f"{what} from which a pod could fetch {dataset.name}",
                ko=f"파드가 {dataset.name} 데이터를 가져올 {korean}",
            ),
            line if remotes else f"remotes: {{{line}}}",
        )
    elif source.remote is None and len(remotes) > 1:
        yield SettingProblem(
            file="spec",
            broken=RuleViolation(
                path=("spec", "dataset", "ref"),
                message=f"{dataset.name} does not say which of the remotes has it",
                fix=f"add 'remote: {next(iter(remotes))}' to its source.dvc",
            ),
            korean=f"{dataset.name} 데이터가 어느 원격 저장소에 있는지 적혀 있지 않습니다. "
            f"source.dvc에 'remote: {next(iter(remotes))}'를 추가하세요",
        )


def _check_weights(plan: Plan) -> Iterator[SettingProblem]:
    weights = plan.model.weights
    if weights is None or isinstance(weights, HubWeights):
        return
    yield SettingProblem(
        file="spec",
        broken=RuleViolation(
            path=("spec", "model", "weights"),
            message="are a file, a run's or a registered model's, which no pod can reach",
            fix="start from weights of a hub (hf-hub:ORG/NAME@REVISION), or run it here with "
            "'vtspec run'",
        ),
        korean="파일, 실행, 등록된 모델의 가중치는 파드에서 쓸 수 없습니다. 허브의 가중치로 "
        "시작하거나 (hf-hub:ORG/NAME@REVISION) 'vtspec run'으로 직접 실행하세요",
    )


def _check_gpu(plan: Plan, project: "ProjectSpec") -> Iterator[SettingProblem]:
    name = plan.resources.gpu_type
    if not plan.resources.gpus or name in project.gpu_types:
        return
    known = next(iter(project.gpu_types), "NAME")
    yield SettingProblem(
        file="spec",
        broken=RuleViolation(
            path=("spec", "resources", "gpuType"),
            message="is left out, and a cluster has to know which GPUs are meant"
            if name is None
            else f"vtspec.yaml describes no GPU type '{name}'",
            fix=f"set gpuType to one that vtspec.yaml describes, such as {known}",
        ),
        korean=(
            "GPU 종류가 적혀 있지 않습니다" if name is None else f"'{name}'은(는) 없는 종류입니다"
        )
        + f". gpuType을 vtspec.yaml에 있는 것으로 쓰세요: {known}",
    )


def _check_duration(plan: Plan) -> Iterator[SettingProblem]:
    # A new spec cannot say so, but a plan is a file, and may be older than the limit.
    asked = plan.resources.max_duration
    if parse_duration(asked) <= parse_duration(LONGEST_DURATION):
        return
    yield SettingProblem(
        file="spec",
        broken=RuleViolation(
            path=("spec", "resources", "maxDuration"),
            message=f"is {asked} in this plan, and a cluster counts {LONGEST_DURATION} at most",
            fix=f"write 'maxDuration: {LONGEST_DURATION}' or less, and plan again",
        ),
        korean=f"이 계획은 {asked}인데 클러스터에서는 {LONGEST_DURATION}까지 됩니다. "
        f"'maxDuration: {LONGEST_DURATION}' 이하로 쓰고 다시 계획하세요",
    )


def _lacks(holder: "Part", path: tuple[str, ...], what: Sentence, line: str) -> SettingProblem:
    """That a key is not, or not so, in the part of `vtspec.yaml` that holds it."""
    written = [to_camel(name) for name in holder.model_fields_set]
    place = ".".join(("spec", *path[:-1]))
    return SettingProblem(
        file="vtspec.yaml",
        broken=RuleViolation(
            path=("spec", *path),
            message=f"says of {what.en}, which a run on a cluster needs",
            fix=f"{suggest_line(line, written)} under '{place}'",
        ),
        korean=f"클러스터에서 실행하려면 {what.ko}이(가) 필요한데 없습니다. '{place}' 아래에 "
        f"쓰세요: {line}",
    )
