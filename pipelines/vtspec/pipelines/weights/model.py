"""What a model starts from, as a plan holds it: pinned, or known to be unpinned. Pure."""

from dataclasses import dataclass
from typing import Final, TypeAlias


@dataclass(frozen=True, kw_only=True)
class HubWeights:
    """Weights on a model hub, at one commit. `licence` is what the catalog says of the tag."""

    id: str
    revision: str
    licence: str | None = None


@dataclass(frozen=True, kw_only=True)
class FileWeights:
    """A `.safetensors` file of the repository; `path` is from its root."""

    path: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class RunWeights:
    """The exported model of an earlier run; `path` is from the repository's root.

    `licence` is that of what it was made from (weights, data, framework), where that is not
    clearly permissive.
    """

    run: str
    path: str
    sha256: str
    licence: str | None = None


@dataclass(frozen=True, kw_only=True)
class MlflowWeights:
    """A version in MLflow's model registry; an alias never enters a plan."""

    name: str
    version: str


HUB: Final = "hf-hub:"
"""What the source of weights on a model hub begins with."""


@dataclass(frozen=True, kw_only=True)
class UnpinnedWeights:
    """Weights of which nobody could say what they are now: a plan to be read and not run.

    `source` is `hf-hub:ORG/NAME`, with `@REVISION` where one was asked for, or a URL.
    """

    source: str
    licence: str | None = None


Weights: TypeAlias = HubWeights | FileWeights | RunWeights | MlflowWeights | UnpinnedWeights

Configuration: TypeAlias = HubWeights | UnpinnedWeights
"""Whose configuration describes an architecture: a repository on a hub, at one commit."""

WEIGHTS: Final[dict[str, type[Weights]]] = {
    "unpinned": UnpinnedWeights,
    "hub": HubWeights,
    "file": FileWeights,
    "run": RunWeights,
    "mlflow": MlflowWeights,
}
"""The `type` in plan.json of each kind of weights."""
