"""The kind `Experiment`: one training run that a person wants, and how to judge it."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, model_validator

from vtspec.schema import API_VERSION

from .field_types import (
    UNIQUE,
    ApiVersion,
    ClassName,
    Distinct,
    Duration,
    Line,
    Memory,
    Metadata,
    MetricName,
    Name,
    Part,
    StaysInside,
    Tuple,
    Whole,
)
from .patterns import (
    CRON,
    FRAMEWORK,
    GATE,
    MODEL,
    OUTSIDE,
    PARAM,
    REGISTERED_NAME,
    TIME_ZONE,
    WEIGHTS,
)
from .rules import LEARNING_RATE, MAX_SEED, SEED, check_model
from .tasks import TaskName

FrameworkName = Annotated[str, Field(pattern=FRAMEWORK.pattern)]

ModelName = Annotated[str, Field(pattern=MODEL.pattern)]

# Weights are named, never fetched from a URL: a plan pins what it starts from by a hash or commit.
WeightsRef = Annotated[
    str,
    Field(
        max_length=400,
        pattern=WEIGHTS.pattern,
        json_schema_extra={"not": {"pattern": OUTSIDE}},
    ),
    StaysInside,
]

# Far above what networks take: a digit too many should end here, not in a GPU's memory.
ImageSide = Annotated[Whole, Field(ge=1, le=8192)]


class Model(Part):
    """Which network, and what it starts from."""

    name: ModelName = Field(
        description="Name in the framework's catalog; see `vtspec models search`.",
        examples=[MODEL.example],
    )
    # Off by default: a run must not depend on a download that nobody asked for.
    pretrained: bool = Field(
        default=False, description="Start from the framework's published weights for this name."
    )
    weights: WeightsRef | None = Field(
        default=None,
        description="Start from these weights: a `.safetensors` path, `run:NAME` (an earlier "
        "run), `models:/NAME/VERSION` or `models:/NAME@ALIAS` (MLflow), or "
        "`hf-hub:ORG/NAME@REVISION`. Not together with `pretrained`.",
        examples=[WEIGHTS.example],
    )


class DatasetRef(Part):
    """Which data, and which of its classes."""

    ref: Name = Field(description="Name of a Dataset under specs/datasets.", examples=["digits"])
    classes: (
        Annotated[
            tuple[ClassName, ...],
            Tuple,
            Field(min_length=1, json_schema_extra=UNIQUE),
            Distinct,
        ]
        | None
    ) = Field(
        default=None,
        description="Use only these classes, in this index order; all if left out.",
        examples=[["cat", "dog"]],
    )


class Ema(Part):
    """An exponential moving average of the weights, which is then what is measured and kept."""

    decay: float = Field(default=0.9998, gt=0, lt=1, description="Share of the old average kept.")
    warmup: bool = Field(
        default=True, description="Ramp the decay up over the first steps, as short runs need."
    )


class EarlyStopping(Part):
    """Stop when the monitored metric no longer improves."""

    patience: Annotated[Whole, Field(ge=1, le=10000)] = Field(
        default=10,
        description="Epochs without improvement before stopping.",
        json_schema_extra={"x-unit": "epochs"},
    )
    min_delta: float = Field(
        default=0.0, ge=0, description="Smallest change that counts, in the metric's own unit."
    )


class Checkpoint(Part):
    """Which epochs are kept; the last and the best always are."""

    monitor: MetricName | None = Field(
        default=None,
        description="Metric on the val split that decides which epoch is best; the task's main "
        "metric if left out. Whether more or less is better follows from the metric.",
    )
    every: Annotated[Whole, Field(ge=1, le=10000)] | None = Field(
        default=None,
        description="Also keep every Nth epoch.",
        json_schema_extra={"x-unit": "epochs"},
    )


Optimizer = Literal["adamw", "adam", "nadam", "radam", "sgd", "rmsprop", "lamb", "lion"]

Scheduler = Literal["cosine", "linear", "step", "polynomial", "plateau", "constant"]

Augmentation = Literal["none", "light", "standard", "strong"]

Precision = Literal["auto", "fp32", "bf16", "fp16"]


class Training(Part):
    """How the model learns. Everything here decides the result and is part of the plan's id."""

    epochs: Annotated[Whole, Field(ge=1, le=10000)] = Field(
        description="Passes over the train split.",
        examples=[50],
        json_schema_extra={"x-unit": "epochs"},
    )
    batch_size: Annotated[Whole, Field(ge=1, le=65536)] = Field(
        default=32,
        description="Images per forward pass, over all GPUs; with `gradientAccumulation` an "
        "optimizer step sees batchSize * gradientAccumulation images.",
        json_schema_extra={"x-unit": "images"},
    )
    learning_rate: float = Field(
        default=LEARNING_RATE, gt=0, le=100, description="Peak learning rate, after warm-up."
    )
    image_size: ImageSide | Annotated[tuple[ImageSide, ImageSide], Tuple] | None = Field(
        default=None,
        description="Side of the square input in pixels, or [height, width]; the model's own "
        "default if left out.",
        examples=[224, [224, 320]],
        json_schema_extra={"x-unit": "pixels"},
    )
    seed: Annotated[Whole, Field(ge=0, le=MAX_SEED)] = Field(
        default=SEED, description="Seed of every random choice."
    )
    optimizer: Optimizer = Field(default="adamw", description="Update rule.")
    momentum: float = Field(
        default=0.9, ge=0, lt=1, description="Momentum of sgd and rmsprop; others ignore it."
    )
    weight_decay: float = Field(
        default=0.01,
        ge=0,
        le=10,
        description="Shrinks the weights at each step: decoupled from the gradient with "
        "adamw, lamb and lion, plain L2 with the others.",
    )
    scheduler: Scheduler = Field(
        default="cosine", description="How the learning rate falls after warm-up."
    )
    min_learning_rate: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description="Where the schedule ends; less than `learningRate`.",
    )
    warmup_epochs: float = Field(
        default=0.0,
        ge=0,
        le=10000,
        description="Epochs of linear warm-up; may be a fraction. Less than `epochs`.",
        json_schema_extra={"x-unit": "epochs"},
    )
    gradient_accumulation: Annotated[Whole, Field(ge=1, le=65536)] = Field(
        default=1,
        description="Batches per optimizer step.",
        json_schema_extra={"x-unit": "batches"},
    )
    gradient_clipping: Annotated[float, Field(gt=0, le=1e6)] | None = Field(
        default=None, description="Largest L2 norm of the gradient; no clipping if left out."
    )
    ema: Ema | None = Field(default=None, description="Average the weights; off if left out.")
    label_smoothing: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Share of the target spread over the other classes; where an image may show "
        "several, over yes and no of each.",
    )
    class_weights: (
        Literal["balanced"]
        | Annotated[dict[ClassName, Annotated[float, Field(gt=0, le=1e6)]], Field(min_length=1)]
        | None
    ) = Field(
        default=None,
        description="Weight of each class in the loss: `balanced` (inverse of its count in train) "
        "or a number for every class; all equal if left out.",
        examples=["balanced", {"cat": 1.0, "dog": 2.5}],
    )
    augmentation: Augmentation = Field(
        default="standard",
        description="Preset of random changes to train images: none, light (flip, small crop), "
        "standard (random resized crop, flip, colour), strong (standard with RandAugment, mixup "
        "and erasing; timm mixes no images that may show several classes).",
    )
    precision: Precision = Field(
        default="auto",
        description="Number format of the forward pass: auto is fp32 without GPUs, bf16 on GPUs "
        "that have it, else fp16 with loss scaling.",
    )
    freeze: (
        Literal["none", "backbone"]
        | Annotated[
            tuple[Line, ...],
            Tuple,
            Field(min_length=1, json_schema_extra=UNIQUE),
            Distinct,
        ]
    ) = Field(
        default="none",
        description="Weights that do not learn: none, backbone (all but the head), or a list of "
        "module name prefixes.",
        examples=["backbone", ["conv1", "layer1"]],
    )
    early_stopping: EarlyStopping | None = Field(
        default=None, description="Stop without improvement; off if left out."
    )
    checkpoint: Checkpoint = Field(
        default_factory=Checkpoint, description="Which epochs are kept and which is best."
    )
    workers: Annotated[Whole, Field(ge=0, le=256)] = Field(
        default=2,
        description="Processes that load images; 0 loads in the training process.",
        json_schema_extra={"x-unit": "processes"},
    )
    deterministic: bool = Field(
        default=True,
        description="Use deterministic kernels where the framework has them; slower on GPUs.",
    )
    on_out_of_memory: Literal["stop", "halve"] = Field(
        default="stop",
        description="When a step does not fit into memory: stop, or go on with half `batchSize` "
        "and twice `gradientAccumulation`, which marks the run as adapted.",
    )
    on_nan: Literal["stop", "rollback"] = Field(
        default="stop",
        description="When the loss is no longer a number: stop, or go back to the last checkpoint "
        "and on at half the learning rate, three times at most, which marks the run as adapted.",
    )
    on_time_limit: Literal["stop", "shorten"] = Field(
        default="stop",
        description="When the epochs take longer than `resources.maxDuration` has left: stop "
        "there, or train as many as fit, with the schedule compressed to them, which marks the "
        "run as adapted.",
    )


class Resources(Part):
    """What the run may use."""

    gpus: Annotated[Whole, Field(ge=0, le=1024)] = Field(default=0, description="Number of GPUs.")
    gpu_type: Name | None = Field(
        default=None,
        description="A name from `gpuTypes` in vtspec.yaml; only where gpus > 0.",
        examples=["a100-80gb"],
    )
    cpus: Annotated[Whole, Field(ge=1, le=1024)] = Field(default=2, description="CPU cores.")
    memory: Memory = Field(default="8Gi", description="Main memory.")
    max_duration: Duration = Field(
        default="1d", description="Time limit of the whole run, steps together."
    )


class Schedule(Part):
    """When the cluster carries the plan out, in the words of a CronJob of Kubernetes."""

    cron: Annotated[str, Field(max_length=200, pattern=CRON.pattern)] = Field(
        description="Minute, hour, day of the month, month and day of the week, as cron and "
        "Kubernetes read them: names (`mon-fri`), lists, ranges and steps are taken. In quotes, "
        "since YAML takes `*` at the beginning for something else.",
        examples=[CRON.example, "30 22 * * mon-fri"],
    )
    time_zone: Annotated[str, Field(max_length=64, pattern=TIME_ZONE.pattern)] = Field(
        default="UTC",
        description="Time zone of these times, by its name in the IANA database.",
        examples=[TIME_ZONE.example],
    )


ExportFormat = Literal["safetensors", "onnx"]


class Export(Part):
    """What is made of the best checkpoint."""

    formats: Annotated[tuple[ExportFormat, ...], Tuple, Distinct] = Field(
        default=("safetensors",),
        description="`safetensors` always is; `onnx` is checked to give the same outputs.",
        examples=[["safetensors", "onnx"]],
        json_schema_extra=UNIQUE,
    )


RegisteredName = Annotated[str, Field(max_length=200, pattern=REGISTERED_NAME.pattern)]


class Tracking(Part):
    """Where the run is shown in MLflow."""

    experiment: Line | None = Field(
        default=None, description="MLflow experiment; the dataset's name if left out."
    )
    register_as: RegisteredName | None = Field(
        default=None,
        description="Register each run's model under this name, the new version as `challenger`.",
        examples=[REGISTERED_NAME.example],
    )


Gate = Annotated[str, Field(pattern=GATE.pattern)]


class ReportSpec(Part):
    """What the result is held against."""

    baseline: Name | None = Field(
        default=None,
        description="Another experiment; its last finished run, as it stands, is compared with.",
        examples=["digits-resnet10t"],
    )
    gates: Annotated[tuple[Gate, ...], Tuple, Distinct] = Field(
        default=(),
        description="What must hold on the final split, such as `accuracy >= 0.95`.",
        examples=[[GATE.example]],
        json_schema_extra=UNIQUE,
    )
    seeds: Annotated[Whole, Field(ge=2, le=20)] | None = Field(
        default=None,
        description="Carry the plan out with so many seeds (`training.seed` and the next ones), "
        "each a plan and a run of its own, and judge the mean of their figures; one if left out.",
        examples=[3],
        json_schema_extra={"x-unit": "seeds"},
    )
    allow_adapted: bool = Field(
        default=False,
        description="Let adapted runs count: as the run that `baseline` stands for, and this "
        "one's model as `challenger`. Without it they do not.",
    )


ParamName = Annotated[str, Field(max_length=100, pattern=PARAM.pattern)]

ParamValue = bool | int | float | Annotated[str, Field(max_length=400)] | None


class ExperimentSpec(Part):
    """What to train, on what, how, and how to judge it."""

    description: Annotated[str, Field(max_length=2000)] | None = Field(
        default=None, description="Why this run, for people."
    )
    task: TaskName = Field(
        description="What the model learns to do.", examples=["image-classification"]
    )
    framework: FrameworkName | None = Field(
        default=None,
        description="Which framework trains it; follows from the model if left out.",
        examples=[FRAMEWORK.example],
    )
    model: Model = Field(description="The network and its start.", examples=[{"name": "resnet18"}])
    dataset: DatasetRef = Field(description="The data.", examples=[{"ref": "digits"}])
    training: Training = Field(description="How it learns.", examples=[{"epochs": 50}])
    params: dict[ParamName, ParamValue] = Field(
        default_factory=dict,
        description="The framework's own settings; see `vtspec explain params`.",
    )
    resources: Resources = Field(default_factory=Resources, description="What it may use.")
    schedule: Schedule | None = Field(
        default=None,
        description="When the cluster carries the plan out, again and again until it has "
        "succeeded once: `vtspec render` makes a CronWorkflow of it. No part of the plan; on "
        "this machine it has no effect, and `vtspec run` says so. At once if left out.",
        examples=[{"cron": CRON.example, "timeZone": TIME_ZONE.example}],
    )
    export: Export = Field(default_factory=Export, description="What is made of the result.")
    tracking: Tracking = Field(default_factory=Tracking, description="Where it is shown.")
    report: ReportSpec = Field(default_factory=ReportSpec, description="How it is judged.")


class Experiment(Part):
    """One training run."""

    api_version: ApiVersion = Field(description="Version of this format.", examples=[API_VERSION])
    kind: Literal["Experiment"] = Field(
        description="The kind of thing that the file describes.", examples=["Experiment"]
    )
    metadata: Metadata = Field(
        description="Its name, labels and annotations.", examples=[{"name": "digits-resnet18"}]
    )
    spec: ExperimentSpec = Field(
        description="What is wanted.", examples=[{"task": "image-classification"}]
    )

    @model_validator(mode="after")
    def _check_rules(self, info: ValidationInfo) -> "Experiment":
        return check_model(self, info.context)
