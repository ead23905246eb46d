"""The params of tasks whose answer is a text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from vtspec.adapters.contract import Param, SettingConflict
from vtspec.adapters.json_types import JsonObject

from .shared_params import refuse_loss_settings

WRITING_PARAMS: Final[Mapping[str, Param]] = {
    "maxNewTokens": Param(
        type="int",
        default=64,
        minimum=1,
        maximum=4096,
        help="Most tokens of a text: bytes of models of vtspec/, else those of the model's "
        "tokenizer, with its marks. Of longer texts the beginning is learnt.",
    ),
    "numBeams": Param(
        type="int",
        default=1,
        minimum=1,
        maximum=64,
        help="How many beginnings of a text are followed at a time: beam search; 1 takes the "
        "likeliest token each time.",
    ),
    "lengthPenalty": Param(
        type="float",
        default=None,
        minimum=-10.0,
        maximum=10.0,
        help="Of beam search: above 0 longer texts are preferred, below 0 shorter ones; 1 if left "
        "out.",
    ),
}

TOLD: Final = tuple(WRITING_PARAMS)
"""Those that are told when training starts."""


def find_writing_conflicts(settings: JsonObject) -> Iterator[SettingConflict]:
    """What has no effect in a task whose answer is a text: labels are smoothed there, classes
    are none."""
    yield from refuse_loss_settings({**settings, "training.labelSmoothing": 0})
    if settings["params.lengthPenalty"] is not None and settings["params.numBeams"] == 1:
        yield SettingConflict(
            path="params.lengthPenalty",
            message="changes nothing without beam search",
            fix="set params.numBeams to 2 or more, or leave out params.lengthPenalty",
        )
