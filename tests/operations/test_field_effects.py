"""Every field of the kinds, changed after a run has finished: what comes of it is in this table.

The fields are those of the models, so that one that is added has to say here what it does.
"""

import copy
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, get_args

import pytest
import yaml
from pydantic import BaseModel

from builders import yaml_of
from cluster_plans import RUNS, publish
from run_folders import STARTED, SUCCEEDED, a_run_folder
from vtspec.pipelines.argo import RenderSettings, find_settings
from vtspec.pipelines.controller.approval import (
    Asker,
    find_asker_problem,
    find_budget_problem,
)
from vtspec.pipelines.data.source import DvcSource, PathSource
from vtspec.pipelines.errors import Permanent, Refused
from vtspec.pipelines.operations.frameworks import resolve_backend
from vtspec.pipelines.operations.plan import PlannedRun, plan_spec
from vtspec.pipelines.operations.run import get_tracking_uri
from vtspec.pipelines.planning.prior_runs import find_prior_runs
from vtspec.pipelines.project.repository import Repository, open_spec
from vtspec.pipelines.project.scaffold import scaffold
from vtspec.pipelines.validation.teams import find_member_team
from vtspec.schema.kinds.dataset import Dataset
from vtspec.schema.kinds.experiment import Experiment, Schedule
from vtspec.schema.kinds.project import Project, ProjectSpec
from vtspec.schema.problem import SpecError

Class = Literal[
    "new run",
    "policy",
    "message",
    "estimate",
    "tracker",
    "rendered",
    "carried out",
    "pruned",
    "approved",
    "cosmetic",
]
"""`new run`: the plan has not run; `policy`: applied to its result; `message`: refused, in words
that name the field; `estimate`: told beforehand otherwise; `tracker`: sent elsewhere; `rendered`:
another Workflow on a cluster; `carried out`: by another backend; `approved`: said by others, or
otherwise, in a pull request;
`cosmetic`: for people who read the file."""


@dataclass(frozen=True)
class Row:
    """What a field is changed to, and what comes of it for the experiment `of`.

    A message `says` the field's name, where it says nothing else.
    """

    value: Any
    effect: Class
    of: str = "shapes"
    says: str | None = None


def rows(**by_field: tuple[Any, Class]) -> dict[str, Row]:
    return {name: Row(*row) for name, row in by_field.items()}


HEAD: Final = {
    "apiVersion": Row("vtspec.dev/v9", "message"),
    "kind": Row("Sweep", "message"),
    "metadata.labels": Row({"team": "vision"}, "cosmetic"),
    "metadata.annotations": Row({"note": "anything"}, "cosmetic"),
}

TRAINING: Final = rows(
    epochs=(21, "new run"),
    batchSize=(8, "new run"),
    learningRate=(0.04, "new run"),
    imageSize=(8, "new run"),
    seed=(7, "new run"),
    optimizer=("adamw", "message"),
    momentum=(0.8, "new run"),
    weightDecay=(0.2, "new run"),
    scheduler=("linear", "new run"),
    minLearningRate=(0.001, "new run"),
    warmupEpochs=(1, "new run"),
    gradientAccumulation=(2, "new run"),
    gradientClipping=(1.0, "new run"),
    labelSmoothing=(0.1, "new run"),
    classWeights=("balanced", "new run"),
    augmentation=("light", "message"),
    precision=("bf16", "message"),
    freeze=("backbone", "message"),
    workers=(1, "new run"),
    deterministic=(False, "new run"),
    onOutOfMemory=("halve", "message"),
    onNan=("rollback", "message"),
    onTimeLimit=("shorten", "message"),
)

EXPERIMENT: Final = {
    **HEAD,
    "metadata.name": Row("renamed", "new run"),
    "spec.description": Row("Why not?", "policy"),
    "spec.task": Row("object-detection", "message"),
    "spec.framework": Row("timm", "message"),
    "spec.model.name": Row("resnet18", "new run"),
    "spec.model.pretrained": Row(True, "message"),
    "spec.model.weights": Row("start.safetensors", "new run"),
    "spec.dataset.ref": Row("others", "new run"),
    "spec.dataset.classes": Row(["circle", "square"], "new run"),
    **{f"spec.training.{name}": row for name, row in TRAINING.items()},
    "spec.training.ema.decay": Row(0.9, "message", says="training.ema"),
    "spec.training.ema.warmup": Row(False, "message", says="training.ema"),
    "spec.training.earlyStopping.patience": Row(3, "new run"),
    "spec.training.earlyStopping.minDelta": Row(0.1, "new run"),
    "spec.training.checkpoint.monitor": Row("loss", "new run"),
    "spec.training.checkpoint.every": Row(2, "new run"),
    "spec.params": Row({"pixelMean": 0.4}, "new run"),
    "spec.resources.gpus": Row(1, "new run"),
    "spec.resources.gpuType": Row("big", "message", "deep"),
    "spec.resources.cpus": Row(2, "message"),
    "spec.resources.memory": Row("3Gi", "message"),
    "spec.resources.maxDuration": Row("11m", "new run"),
    "spec.schedule.cron": Row({"cron": "0 3 * * *"}, "rendered"),
    "spec.schedule.timeZone": Row({"cron": "0 3 * * *", "timeZone": "Asia/Seoul"}, "rendered"),
    "spec.export.formats": Row(["onnx"], "message"),
    "spec.tracking.experiment": Row("elsewhere", "policy"),
    "spec.tracking.registerAs": Row("shapes", "policy"),
    "spec.report.baseline": Row("deep", "policy"),
    "spec.report.gates": Row(["accuracy >= 0.9"], "policy"),
    "spec.report.seeds": Row(3, "policy"),
    "spec.report.allowAdapted": Row(True, "policy"),
}

ON_TIMM: Final = {
    "spec.training.optimizer": Row("sgd", "new run", "slow"),
    "spec.training.augmentation": Row("strong", "new run", "slow"),
    "spec.training.precision": Row("bf16", "new run", "slow"),
    "spec.training.freeze": Row("backbone", "new run", "slow"),
    "spec.training.ema.decay": Row(0.9, "new run", "slow"),
    "spec.training.ema.warmup": Row(False, "new run", "slow"),
    "spec.export.formats": Row(["safetensors", "onnx"], "policy", "slow"),
}
"""What the toy, whose experiment the table is of, cannot do, where it can be done."""

PINNED_ELSEWHERE: Final = {
    "path": "data/shapes",
    "repo": "https://example.org/data",
    "rev": "v1",
}
"""A source in another repository: the plan pins the content, and it is the same there."""

SPLIT: Final = {
    "path": Row("other", "new run"),
    "annotations": Row("labels.json", "new run"),
    "targets": Row("masks", "new run"),
}

DATASET: Final = {
    **HEAD,
    "apiVersion": Row("vtspec.dev/v9", "message", says="specs/datasets/shapes.yaml"),
    "kind": Row("Sweep", "message", says="no dataset 'shapes'"),
    "metadata.name": Row("renamed", "message"),
    "spec.description": Row("Other words.", "cosmetic"),
    "spec.license": Row("MIT", "policy"),
    "spec.tasks": Row(["object-detection"], "message", says="specs/datasets/shapes.yaml"),
    "spec.format": Row("csv", "message", says="specs/datasets/shapes.yaml"),
    "spec.source.dvc.path": Row({"dvc": {"path": "data/shapes"}}, "message", says="data/shapes"),
    "spec.source.dvc.repo": Row({"dvc": PINNED_ELSEWHERE}, "cosmetic"),
    "spec.source.dvc.rev": Row({"dvc": {**PINNED_ELSEWHERE, "rev": "v2"}}, "cosmetic"),
    "spec.source.dvc.remote": Row({"dvc": {**PINNED_ELSEWHERE, "remote": "s3"}}, "message"),
    "spec.source.path": Row({"path": "data/moved"}, "cosmetic"),
    "spec.contentHash": Row("md5:" + "0" * 32 + ".dir", "new run"),
    "spec.classes": Row(["square", "circle", "triangle"], "new run"),
    # Of a dataset for poses alone.
    "spec.keypoints": Row(["nose", "tail"], "message", says="specs/datasets/shapes.yaml"),
    **{
        f"spec.splits.{split}.{name}": row
        for split in ("train", "val", "test")
        for name, row in SPLIT.items()
    },
    "spec.statistics.images": Row(301, "estimate"),
    "spec.statistics.bytes": Row(9, "estimate"),
    "spec.statistics.splits.images": Row({"train": {"images": 999}}, "estimate", "deep"),
    "spec.statistics.splits.perClass": Row(
        {"train": {"images": 180, "perClass": {"circle": 1}}}, "cosmetic"
    ),
}

GPU: Final = {"memory": "16Gi", "pricePerHour": 0.5, "tflops": 8, "bf16": True}

TEAM: Final = {"people": ["jin"], "logins": ["jin"]}
STORAGE: Final = {"url": "s3://data/dvc"}

GPU_ON_NODES: Final[Mapping[str, dict[str, Any]]] = {
    "resource": {"resource": "amd.com/gpu"},
    "nodeSelector": {"nodeSelector": {"gpu": "small"}},
    "tolerations.key": {"tolerations": [{"key": "gpu"}]},
    "tolerations.value": {"tolerations": [{"key": "gpu", "value": "small"}]},
    "tolerations.effect": {"tolerations": [{"key": "gpu", "effect": "NoSchedule"}]},
    "queue": {"queue": "small"},
}

ROLE: Final = {"arn": "arn:aws:iam::123456789012:role/vtspec-run"}

CLUSTER: Final = rows(
    namespace=("elsewhere", "rendered"),
    serviceAccount=("other", "rendered"),
    submit=("controller", "rendered"),
    volumeClaim=("other", "rendered"),
    runsSecret=("other", "rendered"),
    semaphores=({"gpu": 1}, "rendered"),
    maxWait=("1h", "rendered"),
    keepFor=("1h", "rendered"),
    ephemeralStorage=("1Gi", "rendered"),
)

PROJECT: Final = {
    **HEAD,
    "metadata.name": Row("renamed", "cosmetic"),
    "spec.specs": Row("elsewhere", "message", says="elsewhere"),
    "spec.runs": Row("elsewhere", "new run"),
    "spec.gpuTypes.memory": Row(
        {"small": {**GPU, "memory": "100Mi"}}, "message", "deep", says="100 MiB"
    ),
    "spec.gpuTypes.pricePerHour": Row({"small": {**GPU, "pricePerHour": 5}}, "estimate", "deep"),
    "spec.gpuTypes.tflops": Row({"small": {**GPU, "tflops": 1}}, "estimate", "deep"),
    "spec.gpuTypes.bf16": Row({"small": {**GPU, "bf16": False}}, "new run", "deep"),
    "spec.prices.currency": Row("KRW", "estimate"),
    "spec.prices.cpuPerHour": Row(5.0, "estimate"),
    "spec.cpuGflops": Row(1.0, "estimate", "slow"),
    **{
        f"spec.gpuTypes.{name}": Row({"small": {**GPU, **value}}, "rendered", "deep")
        for name, value in GPU_ON_NODES.items()
    },
    "spec.backend": Row("container", "carried out"),
    "spec.registry": Row("ghcr.io/other", "rendered"),
    "spec.remotes.url": Row({"storage": {"url": "s3://other"}}, "rendered"),
    "spec.remotes.secret": Row({"storage": {**STORAGE, "secret": "other"}}, "rendered"),
    **{f"spec.cluster.{name}": row for name, row in CLUSTER.items()},
    "spec.cluster.runsRole.arn": Row(ROLE, "rendered"),
    "spec.cluster.runsRole.endpoint": Row({**ROLE, "endpoint": "https://sts.acme"}, "rendered"),
    "spec.cluster.runsRole.duration": Row({**ROLE, "duration": "2h"}, "rendered"),
    "spec.retention.keep": Row(3, "pruned"),
    "spec.retention.unfinished": Row(True, "pruned"),
    "spec.retention.olderThan": Row("30d", "pruned"),
    "spec.retention.caches": Row("30d", "rendered"),
    "spec.teams.people": Row({"vision": {"people": ["kim"]}}, "rendered"),
    "spec.teams.logins": Row({"vision": {**TEAM, "logins": ["lee"]}}, "approved"),
    "spec.teams.limits.costPerMonth": Row(
        {"vision": {**TEAM, "limits": {"costPerMonth": 1}}}, "approved"
    ),
    "spec.approval.when": Row("merge", "approved"),
    "spec.approval.teams": Row(["vision"], "approved"),
    "spec.approval.byAuthor": Row(False, "approved"),
    "spec.teams.specs": Row({"vision": TEAM, "faces": {"specs": ["specs"]}}, "rendered"),
    "spec.teams.queue": Row({"vision": {**TEAM, "queue": "vision"}}, "rendered", "deep"),
    "spec.teams.limits.gpus": Row({"vision": {**TEAM, "limits": {"gpus": 0}}}, "message", "deep"),
    "spec.teams.limits.maxDuration": Row(
        {"vision": {**TEAM, "limits": {"maxDuration": "1s"}}}, "message"
    ),
    "spec.tracking.uri": Row("http://mlflow.example.org", "tracker"),
}

TABLE: Final[Mapping[type[BaseModel], Mapping[str, Row]]] = {
    Experiment: EXPERIMENT,
    Dataset: DATASET,
    Project: PROJECT,
}

UNDER_ITS_SECTION: Final = {
    "spec.cluster.runsRole": "spec.cluster.runsRole",
    "spec.source.dvc": "spec.source",
    "spec.source.path": "spec.source",
    "spec.statistics.splits": "spec.statistics.splits",
    "spec.gpuTypes": "spec.gpuTypes",
    "spec.remotes": "spec.remotes",
    "spec.teams": "spec.teams",
    "spec.schedule": "spec.schedule",
}
"""Fields whose row replaces the section that they are in, by the beginning of their path."""


def find_leaves(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Dotted paths of the fields; of a mapping by name, those of what it holds."""
    for name, field in model.model_fields.items():
        path, part = f"{above}{field.alias or name}", find_part(field.annotation)
        if part is None:
            yield path
        else:
            yield from find_leaves(part, f"{path}.")


def find_part(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((part for one in get_args(annotation) if (part := find_part(one))), None)


FIELDS: Final = [(kind, path) for kind in TABLE for path in find_leaves(kind)]


@pytest.mark.parametrize("kind", TABLE)
def test_every_field_of_a_kind_has_its_effect_in_the_table(kind: type[BaseModel]) -> None:
    assert sorted(find_leaves(kind)) == sorted(TABLE[kind])


# Planned against runs that are finished as far as their events tell.


DEEP: Final = {
    "apiVersion": "vtspec.dev/v1alpha1",
    "kind": "Experiment",
    "metadata": {"name": "deep"},
    "spec": {
        "task": "image-classification",
        "model": {"name": "resnet18"},
        "dataset": {"ref": "shapes"},
        "training": {"epochs": 2, "imageSize": 32},
        "resources": {"gpus": 1, "gpuType": "small", "cpus": 2},
    },
}

FILES: Final = {
    Experiment: "specs/experiments/shapes.yaml",
    Dataset: "specs/datasets/shapes.yaml",
    Project: "vtspec.yaml",
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a finished run of each experiment."""
    root = tmp_path_factory.mktemp("template") / "mine"
    scaffold(root, "mine", lambda line: None, lambda name: None)
    # Data is never looked at by a plan.
    shutil.rmtree(root / "data")
    (root / ".git").mkdir(exist_ok=True)
    (root / "start.safetensors").write_bytes(b"weights")
    project = read(root / "vtspec.yaml")
    project["spec"]["gpuTypes"] = {"small": GPU, "big": GPU}
    project["spec"]["prices"] = {"cpuPerHour": 1.0}
    project["spec"]["registry"] = "ghcr.io/acme"
    project["spec"]["remotes"] = {"storage": STORAGE}
    project["spec"]["cluster"] = {"namespace": "vision", "volumeClaim": "vtspec"}
    project["spec"]["teams"] = {"vision": TEAM}
    (root / "vtspec.yaml").write_text(yaml_of(project))
    others = read(root / FILES[Dataset])
    others["metadata"]["name"] = "others"
    others["spec"]["contentHash"] = "md5:" + "1" * 32 + ".dir"
    (root / "specs/datasets/others.yaml").write_text(yaml_of(others))
    slow = copy.deepcopy(DEEP)
    slow["metadata"] = {"name": "slow"}
    slow["spec"]["resources"] = {"cpus": 2}  # type: ignore[index]
    for spec in (DEEP, slow):
        name = spec["metadata"]["name"]  # type: ignore[index]
        (root / f"specs/experiments/{name}.yaml").write_text(yaml_of(spec))
    for name in ("shapes", "deep", "slow"):
        repository, path = open_spec(name, root)
        made = plan_spec(path, repository).made
        a_run_folder(root / "runs", [STARTED, SUCCEEDED], made.to_json())
    return root


def read(path: Path) -> dict[str, Any]:
    found = yaml.safe_load(path.read_text())
    assert isinstance(found, dict)
    return found


@pytest.fixture
def root(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return shutil.copytree(template, tmp_path / "mine")


def change(data: dict[str, Any], path: str, value: Any) -> None:
    section = next(
        (whole for start, whole in UNDER_ITS_SECTION.items() if path.startswith(start)), path
    )
    *above, last = section.split(".")
    place = data
    for key in above:
        place = place.setdefault(key, {})
    place[last] = {**place[last], **value} if section == "spec.statistics.splits" else value


def find_rendering(planned: PlannedRun) -> str | tuple[RenderSettings, str, Schedule | None]:
    """What decides the Workflow of a plan beside it, asked for by jin; or why there is none."""
    made, project = planned.made, planned.repository.project.spec
    if isinstance(made.dataset.source, PathSource):
        # Plain data reaches no pod; all else is looked at as if DVC had it.
        source = DvcSource(path=made.dataset.source.path)
        made = replace(made, dataset=replace(made.dataset, source=source))
    found = find_settings(publish(made), project, RUNS, "jin")
    if isinstance(found, tuple):
        return "\n".join(f"{one.broken.path} {one.broken.message}" for one in found)
    assert project.cluster is not None
    return found, project.cluster.submit, planned.schedule


def find_approvals(project: ProjectSpec) -> list[object]:
    """What an approval of jin, and one of kim, who both may write, come to in kim's pull request;
    and whether a run for 10 of a currency may be begun."""
    askers = [Asker(login=login, permission="write") for login in ("jin", "kim")]
    return [
        project.approval.when,
        *(find_asker_problem(one, "kim", project) for one in askers),
        *(find_member_team(project.teams, one.login) for one in askers),
        find_budget_problem("vision", 10.0, 0.0, project),
    ]


OF_THE_REPOSITORY: dict[Class, Callable[[Repository], object]] = {
    "carried out": lambda one: resolve_backend(None, {}, one),
    "approved": lambda one: find_approvals(one.project.spec),
    "pruned": lambda one: one.project.spec.retention,
}


def observe(root: Path, name: str, before: Any) -> tuple[Class, str]:
    """What asking for the experiment comes to, and the words of it."""
    try:
        repository, path = open_spec(name, root)
        planned = plan_spec(path, repository)
    except (SpecError, Refused, Permanent) as error:
        return "message", str(error)
    made = planned.made
    beside = find_prior_runs(made, repository)
    if beside.runs_as == "new":
        return "new run", made.id
    if beside.too_late is not None:
        return "message", str(beside.too_late)
    if beside.update is not None:
        return "policy", beside.update
    if get_tracking_uri(repository, {}) != get_tracking_uri(before.repository, {}):
        return "tracker", str(get_tracking_uri(repository, {}))
    here, there = find_rendering(planned), find_rendering(before)
    if isinstance(here, str):
        return "message", here
    if here != there:
        return "rendered", ""
    for effect, find in OF_THE_REPOSITORY.items():
        if find(repository) != find(before.repository):
            return effect, ""
    return ("cosmetic" if made.estimate == before.made.estimate else "estimate"), ""


@pytest.mark.parametrize("name", ["shapes", "deep", "slow"])
def test_nothing_changed_is_a_plan_that_was_carried_out(root: Path, name: str) -> None:
    repository, path = open_spec(name, root)
    assert observe(root, name, plan_spec(path, repository)) == ("cosmetic", "")


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_a_changed_field_has_the_effect_that_the_table_says(
    root: Path, kind: type[BaseModel], field: str
) -> None:
    expect_effect(root, kind, field, TABLE[kind][field])


@pytest.mark.parametrize("field", ON_TIMM)
def test_what_the_toy_cannot_do_has_its_effect_on_timm(root: Path, field: str) -> None:
    assert field in EXPERIMENT
    expect_effect(root, Experiment, field, ON_TIMM[field])


def expect_effect(root: Path, kind: type[BaseModel], field: str, row: Row) -> None:
    repository, path = open_spec(row.of, root)
    before = plan_spec(path, repository)
    file = root / FILES[kind]
    if kind is Experiment:
        file = file.with_name(f"{row.of}.yaml")
    data = read(file)
    change(data, field, row.value)
    file.write_text(yaml_of(data))
    asked = row.value if field == "metadata.name" and kind is Experiment else row.of
    effect, words = observe(root, asked, before)
    assert (effect, words) == (row.effect, words)
    if effect == "message":
        assert (row.says or field.rpartition(".")[2]).lower() in words.lower(), words
