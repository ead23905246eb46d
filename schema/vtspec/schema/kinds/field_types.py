"""The pieces that the kinds are made of: names, numbers, sizes, durations, paths."""

import re
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict
from pydantic_core import PydanticCustomError

from .patterns import (
    CONTENT_HASH,
    CREDENTIALS,
    DATA_PATH,
    DURATION,
    KUBERNETES_NAME,
    LABEL_KEY,
    LABEL_VALUE,
    LINE,
    LONGEST_DURATION,
    MEMORY,
    METRIC,
    NAME,
    OUTSIDE,
    PATH,
    TEMPLATE,
    TOO_LONG,
)

if TYPE_CHECKING:
    from pydantic.config import JsonDict

ApiVersion = Literal["vtspec.dev/v1alpha1"]


class Part(BaseModel):
    """A frozen piece of a spec: strict types, nothing unknown, keys in camelCase."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        alias_generator=lambda name: to_camel(name),
        validate_by_name=True,
        validate_by_alias=True,
        protected_namespaces=(),
    )


def to_camel(name: str) -> str:
    """`batch_size` as it is written in a spec: `batchSize`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _coerce_whole(value: object) -> object:
    # JSON Schema calls 5.0 an integer, so a person may write it; strict pydantic alone would not.
    if type(value) is float and value.is_integer():
        return int(value)
    return value


def make_rule_error(message: str, fix: str) -> PydanticCustomError:
    """What a validator raises: `message` completes a sentence, `fix` says what to type."""
    return PydanticCustomError("rule", "{message}", {"message": message, "fix": fix})


def _refuse_braces(text: str) -> str:
    # Argo fills in templates wherever it finds them, so no text of a spec may carry one.
    if "{{" in text:
        raise make_rule_error("must not hold '{{'", "remove the braces; nothing is filled in here")
    return text


# pydantic compiles patterns with Rust's engine, which knows no look-ahead: what a path may not
# hold is a second pattern, applied here and said as `not` in the JSON Schema.
_OUTSIDE: Final = re.compile(OUTSIDE)


def _check_inside(path: str) -> str:
    # Nearly every path: two searches for a substring cost less than one for a pattern.
    if ":" not in path and ".." not in path:
        return path
    if _OUTSIDE.search(path):
        raise make_rule_error(
            "must not leave the repository", "write a path below its root, without '..'"
        )
    return path


_TOO_LONG: Final = re.compile(TOO_LONG)


def _check_length(duration: str) -> str:
    if _TOO_LONG.search(duration):
        raise make_rule_error(
            f"must be at most {LONGEST_DURATION}, got '{duration}'", f"write {LONGEST_DURATION}"
        )
    return duration


_CREDENTIALS: Final = re.compile(CREDENTIALS)


def refuse_credentials(fix: str) -> AfterValidator:
    """Marks an address that may hold no password, since its file is committed.

    `fix` says where the password goes. Goes with `json_schema_extra=NO_CREDENTIALS`.
    """

    def check(address: str) -> str:
        if _CREDENTIALS.search(address):
            raise make_rule_error("holds a password or a token, and this file is committed", fix)
        return address

    return AfterValidator(check)


NO_CREDENTIALS: Final["JsonDict"] = {"not": {"pattern": CREDENTIALS}}

_Items = TypeVar("_Items", bound=tuple[object, ...])


def _check_distinct(items: _Items) -> _Items:
    if len(set(items)) == len(items):
        return items
    twice = Counter(items).most_common(1)[0][0]
    raise make_rule_error(f"holds '{twice}' twice", "remove one of the two")


StaysInside = AfterValidator(_check_inside)
"""Marks a path that may not leave the repository."""

NoBraces = AfterValidator(_refuse_braces)
"""Marks text in which `{{`, the mark of a template, is refused."""

Distinct = AfterValidator(_check_distinct)
"""Marks a list that holds nothing twice; goes with `Field(json_schema_extra=UNIQUE)`."""

# pydantic has no keyword for it: the validator decides, and this tells editors.
UNIQUE: Final["JsonDict"] = {"uniqueItems": True}

Whole = Annotated[int, BeforeValidator(_coerce_whole)]
"""A whole number; 5.0 is one, "5" and true are not."""

Name = Annotated[str, Field(pattern=NAME.pattern, min_length=1, max_length=40)]
"""A DNS label of at most 40 characters: it names files, runs, Workflows and MLflow runs."""

Line = Annotated[str, Field(min_length=1, max_length=200, pattern=LINE.pattern)]
"""One line that a person reads."""

ClassName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=100,
        pattern=LINE.pattern,
        json_schema_extra={"not": {"pattern": TEMPLATE}},
    ),
    NoBraces,
]

RelativePath = Annotated[
    str,
    Field(
        min_length=1,
        max_length=400,
        pattern=PATH.pattern,
        json_schema_extra={"not": {"pattern": OUTSIDE}},
    ),
    StaysInside,
]
"""A path below the repository's root, with forward slashes and without `..`."""

DataPath = Annotated[
    str,
    Field(
        min_length=1,
        max_length=400,
        pattern=DATA_PATH.pattern,
        json_schema_extra={"not": {"pattern": OUTSIDE}},
    ),
    StaysInside,
]
"""A `RelativePath`, or the whole path of data that lies outside of the repository."""

Memory = Annotated[str, Field(pattern=MEMORY.pattern)]
"""Bytes as Kubernetes writes them: 512Mi, 4Gi, 1Ti."""

Duration = Annotated[
    str,
    Field(pattern=DURATION.pattern, json_schema_extra={"not": {"pattern": TOO_LONG}}),
    AfterValidator(_check_length),
]
"""A length of time: 90s, 30m, 12h, 2d; ten years at most."""

ContentHash = Annotated[str, Field(pattern=CONTENT_HASH.pattern)]
"""DVC's hash of a file, or with `.dir` of a folder: md5 over its sorted list of files."""

MetricName = Annotated[str, Field(pattern=METRIC.pattern)]

# Kubernetes' own limits: labels are copied to Workflows, where a longer one would be refused late.
LabelKey = Annotated[str, Field(max_length=253, pattern=LABEL_KEY.pattern)]

KubernetesName = Annotated[str, Field(pattern=KUBERNETES_NAME.pattern)]
"""The name of an object of Kubernetes that others made: a namespace, a queue, a Secret."""

LabelValue = Annotated[str, Field(pattern=LABEL_VALUE.pattern)]

Note = Annotated[
    str,
    Field(max_length=4000, json_schema_extra={"not": {"pattern": TEMPLATE}}),
    NoBraces,
]
"""Free text of an annotation."""

Tuple = Strict(False)
"""Marks a tuple field: YAML has only lists, which strict mode would refuse."""


class Metadata(Part):
    """What names a thing and what is noted beside it; nothing here decides a result."""

    name: Name = Field(
        description="DNS label of at most 40 characters; unique among its kind.",
        examples=["digits-resnet18"],
    )
    labels: dict[LabelKey, LabelValue] = Field(
        default_factory=dict, description="Short marks to select by, as Kubernetes labels."
    )
    annotations: dict[LabelKey, Note] = Field(
        default_factory=dict, description="Free notes for people and tools."
    )
