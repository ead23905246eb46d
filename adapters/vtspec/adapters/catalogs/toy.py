"""The toy adapter's one model, on pictures of 8x8 pixels unless another size is asked for."""

from __future__ import annotations

from vtspec.adapters.json_types import JsonObject

_SIDE = 8
_PIXELS = _SIDE * _SIDE
_CLASSES = 1000


def get_versions() -> dict[str, str]:
    """No package decides what the catalog says."""
    return {}


def list_models() -> list[str]:
    """The names of the models that the toy framework has."""
    return ["softmax-regression"]


def get_renames() -> dict[str, str]:
    """No name was given up."""
    return {}


def build_entry(name: str) -> JsonObject:
    """What the model is and costs, with a head of 1,000 classes."""
    return {
        "tasks": ["image-classification"],
        "parameters": _CLASSES * (_PIXELS + 1),
        "perClass": _PIXELS + 1,
        "perPixel": 1,
        "size": [_SIDE, _SIDE],
        "step": 1,
        "build": True,
        "min": [1, 1],
        "gmacs": _CLASSES * _PIXELS / 1e9,
        "activations": _CLASSES / 1e6,
        "weights": [],
    }
