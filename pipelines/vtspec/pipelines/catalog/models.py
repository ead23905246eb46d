"""One model of a catalog: what it is, what it costs, what sizes it takes, its weights. Pure."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from vtspec.adapters.json_types import JsonObject

HEAD_CLASSES: Final = 1000
"""The number of classes that a catalog's `parameters` are counted with."""

PERMISSIVE_LICENCES: Final = frozenset(
    {
        "0bsd",
        "apache-2.0",
        "bsd-2-clause",
        "bsd-3-clause",
        "cc-by-4.0",
        "cc0-1.0",
        "cdla-permissive-1.0",
        "cdla-permissive-2.0",
        "isc",
        "mit",
        "odc-by-1.0",
        "pddl-1.0",
        "unlicense",
    }
)
"""Licences that allow any use for a notice; each other one is a person's to judge."""


def is_permissive(licence: str | None) -> bool:
    """Whether a licence, as a person or a catalog wrote it, is clearly permissive."""
    return "-".join((licence or "").lower().split()) in PERMISSIVE_LICENCES


HUB_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9_][A-Za-z0-9_.-]*")
"""The form of a hub id: ORG/NAME."""

ADAPTERS_OWN: Final = "vtspec/"
"""What the names of architectures begin with that an adapter describes itself, beside hub ids."""

UNKNOWN_LICENCE: Final = "unknown"

Size = tuple[int, int]
"""Height and width in pixels."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Published weights of a model. `hub_id` names a Hugging Face repository, `url` a file where
    there is none; `licence` is an SPDX-like name in lower case or `unknown`; `classes` is 0 where
    they have no head. None is what nobody told."""

    tag: str
    hub_id: str | None
    url: str | None
    licence: str
    image_size: Size | None
    classes: int | None

    @property
    def permissive(self) -> bool:
        """Whether the licence is clearly permissive."""
        return is_permissive(self.licence)


@dataclass(frozen=True, kw_only=True)
class CatalogModel:
    """What a catalog knows of one model; the module's docstring says what the numbers count.

    `name` has no tag; `tag` is the one that was asked for, None where none was. Numbers are None
    where nobody told them. `listed` is False for a hub id that the catalog does not have: nothing
    is known of it, its tasks neither. `parameters_per_pixel` is what each class has more for each
    pixel more. `hub_id` is the name where a model is named by a hub id,
    whose repository then has its architecture; None where the adapter describes it.
    `untrained_tasks` are those of its tasks that the adapter does with other models and not with
    it.
    """

    name: str
    tag: str | None
    tasks: tuple[str, ...]
    parameters: int | None
    parameters_per_class: int | None
    image_size: Size | None
    size_step: int | None
    size_at_build: bool
    min_image_size: Size | None
    gmacs: float | None
    activations: float | None
    weights: tuple[Weights, ...]
    family: str | None = None
    hub_id: str | None = None
    listed: bool = True
    sizes_are_known: bool = True
    parameters_per_pixel: int | None = None
    untrained_tasks: tuple[str, ...] = ()

    @property
    def pretrained(self) -> bool:
        """Whether there are published weights."""
        return bool(self.weights)

    @property
    def chosen_weights(self) -> Weights | None:
        """The weights of the tag that was asked for, the default ones without a tag, or None."""
        if self.tag is None:
            return self.weights[0] if self.weights else None
        return next(weights for weights in self.weights if weights.tag == self.tag)

    def count_parameters(self, classes: int, size: Size | None = None) -> int | None:
        """The number of parameters with a head of that many classes, for images of that size.

        With the head of the framework's own example where nobody told what a class adds.
        """
        if self.parameters is None or self.parameters_per_class is None:
            return self.parameters
        found = self.parameters + (classes - HEAD_CLASSES) * self.parameters_per_class
        if None in (size, self.image_size, self.parameters_per_pixel):
            return found
        assert size and self.image_size and self.parameters_per_pixel
        more = math.prod(size) - math.prod(self.image_size)
        return found + classes * more * self.parameters_per_pixel

    def takes_size(self, size: Size) -> bool:
        """Whether the model can be trained on images of that height and width, for all we know."""
        if self.image_size is None or not self.sizes_are_known:
            return True
        if size == self.image_size or any(size == each.image_size for each in self.weights):
            return True
        if self.size_step is None:
            return False
        smallest = self.min_image_size or (1, 1)
        return all(
            side >= least and (side - own) % self.size_step == 0
            for side, own, least in zip(size, self.image_size, smallest, strict=True)
        )

    def find_nearest_size(self, size: Size) -> Size:
        """The size nearest to the given one that the model takes."""
        if self.image_size is None or self.takes_size(size):
            return size
        if self.size_step is None:
            return self.image_size
        smallest = self.min_image_size or (1, 1)
        height, width = (
            _round_side(side, own, self.size_step, least)
            for side, own, least in zip(size, self.image_size, smallest, strict=True)
        )
        return height, width


def parse_model(
    name: str, tag: str | None, raw: JsonObject, hub_id: str | None = None
) -> CatalogModel:
    """The model of one line of a catalog, `tag` being the one that was asked for."""
    size, smallest = raw.get("size"), raw.get("min")
    return CatalogModel(
        name=name,
        tag=tag,
        tasks=tuple(raw["tasks"]),
        parameters=raw.get("parameters"),
        parameters_per_class=raw.get("perClass"),
        image_size=_parse_size(size) if size else None,
        size_step=raw.get("step"),
        size_at_build=raw.get("build", False),
        min_image_size=_parse_size(smallest) if smallest else None,
        gmacs=raw.get("gmacs"),
        activations=raw.get("activations"),
        weights=tuple(_parse_weights(each) for each in raw["weights"]),
        family=raw.get("family"),
        hub_id=hub_id,
        # A catalog writes `step` of every model that was measured: null where no other size fits.
        sizes_are_known="step" in raw,
        parameters_per_pixel=raw.get("perPixel"),
        untrained_tasks=tuple(
            raw.get("untrained", () if raw.get("trained", True) else raw["tasks"])
        ),
    )


def make_unlisted_model(hub_id: str) -> CatalogModel:
    """The model of a hub id that no catalog lists: it has weights, for all we know."""
    weights = {"tag": "main", "licence": UNKNOWN_LICENCE, "hub": hub_id}
    found = parse_model(hub_id, None, {"tasks": [], "weights": [weights]}, hub_id)
    return replace(found, listed=False)


def _parse_weights(raw: JsonObject) -> Weights:
    size = raw.get("size")
    return Weights(
        tag=raw["tag"],
        hub_id=raw["hub"],
        url=raw.get("url"),
        licence=raw["licence"],
        image_size=_parse_size(size) if size else None,
        classes=raw.get("classes"),
    )


def _parse_size(raw: Sequence[int]) -> Size:
    height, width = raw
    return height, width


def _round_side(side: int, own: int, step: int, least: int) -> int:
    smallest = least + (own - least) % step
    return max(smallest, own + round((side - own) / step) * step)
