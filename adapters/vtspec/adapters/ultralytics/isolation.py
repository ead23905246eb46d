"""Ultralytics without its effects on the machine: no network, no installation, nothing at home.

Left alone it looks for a newer version of itself, counts its users, installs what it misses,
downloads fonts, and keeps settings in the home folder.
"""

from __future__ import annotations

import logging
import os
import tempfile
from typing import Final

_SWITCHES: Final = {
    "YOLO_OFFLINE": "true",
    "YOLO_AUTOINSTALL": "false",
    "YOLO_VERBOSE": "false",
    "NO_ALBUMENTATIONS_UPDATE": "1",
}

_folders: list[tempfile.TemporaryDirectory[str]] = []
"""Removed when the process ends."""


def isolate() -> None:
    """Prepare this process for Ultralytics, which reads all this when it is imported."""
    if _folders:
        return
    os.environ.update(_SWITCHES)
    folder = tempfile.TemporaryDirectory(prefix="vtspec-ultralytics-")
    _folders.append(folder)
    os.environ["YOLO_CONFIG_DIR"] = folder.name
    # What drops overlapping boxes is torchvision's where that happens to be imported.
    import torchvision  # noqa: F401
    from ultralytics.utils import SETTINGS

    # Of the settings file in that folder: nothing reports to anyone, whoever asks.
    trackers = ("sync", "mlflow", "clearml", "comet", "dvc", "raytune", "wandb", "tensorboard")
    SETTINGS.update(dict.fromkeys(trackers, False))
    # It tells of each network that it builds.
    logging.getLogger("ultralytics").setLevel(logging.ERROR)
