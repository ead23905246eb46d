"""The kind `Project`: `vtspec.yaml` at the root of a repository, the operator's configuration."""

from typing import Annotated, Literal

from pydantic import Field

from vtspec.schema import API_VERSION

from .cluster import Cluster, Remote, Team, Toleration
from .field_types import (
    NO_CREDENTIALS,
    UNIQUE,
    ApiVersion,
    Distinct,
    Duration,
    KubernetesName,
    LabelKey,
    LabelValue,
    Line,
    Memory,
    Metadata,
    Name,
    Part,
    RelativePath,
    StaysInside,
    Tuple,
    Whole,
    refuse_credentials,
)
from .patterns import CURRENCY, NODE_RESOURCE, OUTSIDE, REGISTRY, RUNS


class GpuType(Part):
    """A kind of GPU that `resources.gpuType` may name."""

    memory: Memory = Field(description="Memory of one GPU.", examples=["80Gi"])
    price_per_hour: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="Price of one GPU for an hour, in `prices.currency`."
    )
    tflops: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="Sustained training TFLOP/s in bf16 (or fp16), for estimates."
    )
    bf16: bool = Field(default=True, description="Whether it has bfloat16 (Ampere and later).")
    resource: Annotated[str, Field(pattern=NODE_RESOURCE.pattern)] = Field(
        default="nvidia.com/gpu", description="What the cluster's nodes call one of them."
    )
    node_selector: dict[LabelKey, LabelValue] = Field(
        default_factory=dict,
        description="Labels of the cluster's nodes that have it.",
        examples=[{"nvidia.com/gpu.product": "Tesla-T4"}],
    )
    tolerations: Annotated[tuple[Toleration, ...], Tuple] = Field(
        default=(),
        description="Taints of those nodes that a run on it puts up with.",
        examples=[[{"key": "nvidia.com/gpu"}]],
    )
    queue: KubernetesName | None = Field(
        default=None, description="Queue that hands it out, for runs whose team has none."
    )


class Prices(Part):
    """What machines cost besides GPUs."""

    currency: Annotated[str, Field(pattern=CURRENCY.pattern)] = Field(
        default="USD", description="ISO 4217 code."
    )
    cpu_per_hour: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="Price of one core for an hour."
    )


TrackingUri = Annotated[
    Line,
    Field(json_schema_extra=NO_CREDENTIALS),
    refuse_credentials(
        "write it without, and export MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
        "the whole of it as MLFLOW_TRACKING_URI"
    ),
]


class ProjectTracking(Part):
    """Which MLflow shows the runs."""

    uri: TrackingUri | None = Field(
        default=None,
        description="MLflow tracking URI; MLFLOW_TRACKING_URI goes before it, and a SQLite file "
        "in the runs folder is the default.",
    )


class Retention(Part):
    """What `vtspec prune` takes where its flags do not say it.

    Whatever a baseline, an alias of MLflow's registry, another run or a spec needs stays.
    """

    keep: Annotated[Whole, Field(ge=0, le=100_000)] | None = Field(
        default=None, description="How many of the last results of each experiment stay."
    )
    unfinished: bool = Field(
        default=False, description="Whether runs that were cut short, and could go on, go too."
    )
    older_than: Duration | None = Field(
        default=None, description="How long a run is left alone after it was worked on last."
    )
    caches: Duration | None = Field(
        default=None,
        description="How long data, environments and weights that can be made again are kept "
        "without being used; step data on a cluster frees the cache of its pods by it.",
        examples=["30d"],
    )


class Approval(Part):
    """When a plan that a pull request shows is carried out, and who may say so."""

    when: Literal["comment", "approval", "merge"] = Field(
        default="comment",
        description="What creates the runs: a comment `/vtspec apply DIGEST`, a review that "
        "approves the pull request, or its merge.",
    )
    teams: Annotated[tuple[Name, ...], Tuple, Distinct, Field(json_schema_extra=UNIQUE)] = Field(
        default=(),
        description="The teams whose `logins` may approve; left out, whoever may write to the "
        "repository.",
        examples=[["vision"]],
    )
    by_author: bool = Field(
        default=True, description="Whether the author of a pull request may approve its plans."
    )


RunsPlace = Annotated[
    str,
    Field(
        min_length=1,
        max_length=400,
        pattern=RUNS.pattern,
        json_schema_extra={"not": {"pattern": OUTSIDE}},
    ),
    StaysInside,
]
"""A folder below the repository's root, or an S3-compatible store."""


class ProjectSpec(Part):
    """Where things lie and what machines there are."""

    specs: RelativePath = Field(default="specs", description="Folder of the specs.")
    runs: RunsPlace = Field(
        default="runs", description="Folder of the runs, or s3://BUCKET/PREFIX."
    )
    gpu_types: dict[Name, GpuType] = Field(default_factory=dict, description="GPUs by name.")
    prices: Prices = Field(default_factory=Prices, description="What machines cost.")
    cpu_gflops: Annotated[float, Field(gt=0)] = Field(
        default=25.0, description="Sustained GFLOP/s of one CPU core in training, for estimates."
    )
    tracking: ProjectTracking = Field(
        default_factory=ProjectTracking, description="Which MLflow shows the runs."
    )
    backend: Literal["process", "container", "argo"] | None = Field(
        default=None,
        description="By what plans are carried out, where neither --backend nor VTSPEC_BACKEND "
        "says: a process or a container on the machine, or argo, the cluster.",
    )
    registry: Annotated[str, Field(max_length=200, pattern=REGISTRY.pattern)] | None = Field(
        default=None,
        description="Registry of the frameworks' images: REGISTRY/vtspec-timm is timm's.",
        examples=[REGISTRY.example],
    )
    remotes: dict[Name, Remote] = Field(
        default_factory=dict, description="Stores of datasets that a cluster reads, by name."
    )
    cluster: Cluster | None = Field(
        default=None, description="The Kubernetes that plans are carried out on."
    )
    teams: dict[Name, Team] = Field(default_factory=dict, description="Who shares it, by name.")
    approval: Approval = Field(
        default_factory=Approval, description="How pull requests get their plans carried out."
    )
    retention: Retention = Field(
        default_factory=Retention, description="What `vtspec prune` removes."
    )


class Project(Part):
    """The configuration of a repository."""

    api_version: ApiVersion = Field(description="Version of this format.", examples=[API_VERSION])
    kind: Literal["Project"] = Field(
        description="The kind of thing that the file describes.", examples=["Project"]
    )
    metadata: Metadata = Field(
        description="Its name, labels and annotations.", examples=[{"name": "vision"}]
    )
    spec: ProjectSpec = Field(description="The configuration.", examples=[{"specs": "specs"}])
