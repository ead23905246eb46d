"""The kind `Dataset`: what the data is, where it lies, and the hash that pins it."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, model_validator

from vtspec.schema import API_VERSION

from .field_types import (
    NO_CREDENTIALS,
    UNIQUE,
    ApiVersion,
    ClassName,
    ContentHash,
    DataPath,
    Distinct,
    Line,
    Metadata,
    Name,
    Part,
    RelativePath,
    Tuple,
    Whole,
    refuse_credentials,
)
from .patterns import GIT_REV, GIT_URL
from .rules import check_model
from .tasks import FormatName, TaskName

GitUrl = Annotated[
    str,
    Field(max_length=400, pattern=GIT_URL.pattern, json_schema_extra=NO_CREDENTIALS),
    refuse_credentials("write it without, and give it to git: git credential approve"),
]

GitRev = Annotated[str, Field(max_length=200, pattern=GIT_REV.pattern)]


class DvcSource(Part):
    """A path that DVC versions, in this repository or in another one."""

    path: RelativePath = Field(
        description="The tracked file or folder, from the repository root.",
        examples=["data/digits"],
    )
    repo: GitUrl | None = Field(
        default=None,
        description="Git URL of another repository that tracks the path; needs `rev`.",
        examples=[GIT_URL.example],
    )
    rev: GitRev | None = Field(
        default=None,
        description="Commit or tag in `repo`; goes with `repo` only.",
        examples=[GIT_REV.example],
    )
    remote: Name | None = Field(
        default=None, description="DVC remote to fetch from; DVC's default where left out."
    )


class Source(Part):
    """Where the data comes from: exactly one of `dvc` and `path`."""

    dvc: DvcSource | None = Field(default=None, description="Versioned by DVC.")
    path: DataPath | None = Field(
        default=None,
        description="A plain path, from the repository root or, where the data lies outside, from "
        "`/` on; needs `contentHash`, which step `data` verifies.",
        examples=["data/digits"],
    )


class Split(Part):
    """One part of the data and where its files or labels lie."""

    path: RelativePath = Field(
        description="Folder of the split's images, from the dataset's own root.",
        examples=["train"],
    )
    # Optional here, since what a split needs depends on the format: the rules of the kind say it.
    annotations: RelativePath | None = Field(
        default=None,
        description="Label file of the split, from the dataset's root; coco, csv and jsonl need "
        "it.",
        examples=["annotations/train.json"],
    )
    targets: RelativePath | None = Field(
        default=None,
        description="Folder of target images, from the dataset's root; masks and pairs need it.",
        examples=["masks/train"],
    )


class Splits(Part):
    """The parts of the data; the model is chosen on `val` and judged on `test`."""

    train: Split = Field(description="What the model learns from.", examples=[{"path": "train"}])
    # Required, unlike test: without it no epoch could be called the best.
    val: Split = Field(description="What the best epoch is chosen on.", examples=[{"path": "val"}])
    test: Split | None = Field(
        default=None, description="What the final figures are measured on; `val` without it."
    )


class SplitStatistics(Part):
    """How much is in one split."""

    images: Annotated[Whole, Field(ge=0)] = Field(description="Readable images.", examples=[1078])
    # Unknown class names are told by a rule, which can say which list they are missing from.
    per_class: dict[ClassName, Annotated[Whole, Field(ge=0)]] = Field(
        default_factory=dict,
        description="Images, objects or, of masks, images with a pixel of each class.",
    )


class Statistics(Part):
    """What `vtspec datasets inspect` counted; estimates and warnings come from it."""

    images: Annotated[Whole, Field(ge=0)] = Field(
        description="Readable images in all splits.", examples=[1797]
    )
    bytes: Annotated[Whole, Field(ge=0)] | None = Field(
        default=None, description="Size of all files.", json_schema_extra={"x-unit": "bytes"}
    )
    # A mapping and not three fields: counts of a split that is not there are simply left out.
    splits: dict[Literal["train", "val", "test"], SplitStatistics] = Field(
        default_factory=dict, description="The same, split by split."
    )


class DatasetSpec(Part):
    """What the data is and where it comes from."""

    description: Annotated[str, Field(max_length=2000)] | None = Field(
        default=None, description="What is in it and where it is from, for people."
    )
    license: Line | None = Field(
        default=None, description="SPDX identifier of the data's licence, or its name."
    )
    tasks: Annotated[tuple[TaskName, ...], Tuple, Field(min_length=1), Distinct] = Field(
        description="What its labels can train.",
        examples=[["image-classification"]],
        json_schema_extra=UNIQUE,
    )
    format: FormatName = Field(
        description="How images and labels lie on disk.", examples=["imagefolder"]
    )
    source: Source = Field(
        description="Where it comes from.", examples=[{"dvc": {"path": "data/digits"}}]
    )
    content_hash: ContentHash | None = Field(
        default=None,
        description="DVC's hash of the content; required for a `path` source, and where given "
        "beside a `dvc` source it must be what DVC's own file says.",
    )
    classes: Annotated[tuple[ClassName, ...], Tuple, Distinct] = Field(
        default=(),
        description="Class names in index order: the first is class 0. Every task whose labels "
        "are classes needs them.",
        examples=[["cat", "dog"]],
        json_schema_extra=UNIQUE,
    )
    keypoints: Annotated[tuple[ClassName, ...], Tuple, Distinct] = Field(
        default=(),
        description="Names of a body's points, in the order of its labels; pose-estimation needs "
        "them. In an image that is mirrored, what is called left becomes what is called right.",
        examples=[["left-eye", "right-eye", "nose"]],
        json_schema_extra=UNIQUE,
    )
    splits: Splits = Field(
        description="Where train, val and test lie.",
        examples=[{"train": {"path": "train"}, "val": {"path": "val"}}],
    )
    statistics: Statistics | None = Field(default=None, description="Counts, for estimates.")


class Dataset(Part):
    """A dataset that experiments refer to by name."""

    api_version: ApiVersion = Field(description="Version of this format.", examples=[API_VERSION])
    kind: Literal["Dataset"] = Field(
        description="The kind of thing that the file describes.", examples=["Dataset"]
    )
    metadata: Metadata = Field(
        description="Its name, labels and annotations.", examples=[{"name": "digits"}]
    )
    spec: DatasetSpec = Field(description="What it is.", examples=[{"format": "imagefolder"}])

    @model_validator(mode="after")
    def _check_rules(self, info: ValidationInfo) -> "Dataset":
        return check_model(self, info.context)
