"""The kind `Project`: `vtspec.yaml` at the root of a repository, the operator's configuration."""

from typing import Annotated, Literal

from pydantic import Field

from vtspec.schema import API_VERSION

from .field_types import (
    NO_CREDENTIALS,
    ApiVersion,
    Line,
    Memory,
    Metadata,
    Name,
    Part,
    RelativePath,
    refuse_credentials,
)
from .patterns import CURRENCY


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


class ProjectSpec(Part):
    """Where things lie and what machines there are."""

    specs: RelativePath = Field(default="specs", description="Folder of the specs.")
    runs: RelativePath = Field(default="runs", description="Folder of the runs.")
    gpu_types: dict[Name, GpuType] = Field(default_factory=dict, description="GPUs by name.")
    prices: Prices = Field(default_factory=Prices, description="What machines cost.")
    cpu_gflops: Annotated[float, Field(gt=0)] = Field(
        default=25.0, description="Sustained GFLOP/s of one CPU core in training, for estimates."
    )
    tracking: ProjectTracking = Field(
        default_factory=ProjectTracking, description="Which MLflow shows the runs."
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
