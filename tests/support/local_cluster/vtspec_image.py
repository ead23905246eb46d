"""Images in which vtspec runs, and MLflow's, made without a hub, in the cluster's registry.

They stand in for what a registry has: their Python is Debian's, their distributions are those
that images/ locks.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from local_cluster import image_layers, images
from local_cluster.addresses import REGISTRY
from local_cluster.daemon import run
from local_cluster.image_layers import Layer
from local_cluster.programs import Programs, Tell, cache_folder

_VTSPEC = (image_layers.debian(), image_layers.packages(), image_layers.vtspec())
# Its gigabytes come before vtspec: a layer that changes with the lock alone.
_TIMM = (_VTSPEC[0], image_layers.timm(), *_VTSPEC[1:], image_layers.adapters())
# The same as _VTSPEC, on a Debian with git, and with what the controller needs.
_CONTROLLER = (image_layers.debian("git"), _VTSPEC[1], image_layers.controller(), _VTSPEC[2])
_MLFLOW = (_VTSPEC[0], image_layers.mlflow())


def keep_layers(tell: Tell, *, is_light: bool = False) -> None:
    """Make the layers of all images of the tree as it is now: pushing has no way out to a hub.
    With `is_light` those of vtspec and the toy framework alone.

    Raises:
        ClusterError: a layer could not be made, with what the program said that makes it.
    """
    for layer in _VTSPEC if is_light else (*_TIMM, *_CONTROLLER, *_MLFLOW):
        layer.keep(tell)


def publish_toy(folder: Path, programs: Programs) -> str:
    """An image in which vtspec and the toy framework run, which needs no package besides."""
    return _push(folder, programs, "vtspec-toy", _VTSPEC, _configure())


def publish_timm(folder: Path, programs: Programs) -> str:
    """An image with two environments, as images/timm makes it."""
    python = "VTSPEC_FRAMEWORK_PYTHON=/opt/framework/bin/python"
    return _push(folder, programs, "vtspec-timm", _TIMM, _configure(python))


def publish_controller(folder: Path, programs: Programs) -> str:
    """The image in which the controller runs, as images/vtspec makes it."""
    return _push(folder, programs, "vtspec", _CONTROLLER, _configure())


def publish_mlflow(folder: Path, programs: Programs) -> str:
    """An image of the MLflow that is installed here."""
    env = ["PATH=/opt/mlflow/bin:/usr/bin:/bin", "PYTHONPATH=/opt/mlflow"]
    return _push(folder, programs, "mlflow", _MLFLOW, {"Env": [*env, "PYTHONDONTWRITEBYTECODE=1"]})


def _configure(*env: str) -> dict[str, Any]:
    return {
        "Entrypoint": ["python3", "-m", "vtspec.adapters"],
        "Env": [
            "PATH=/opt/vtspec/bin:/usr/bin:/bin",
            "PYTHONPATH=/opt/vtspec:/opt/packages",
            # DVC asks who runs it, and where all of a machine share a cache; images/base has both.
            "USER=vtspec",
            "DVC_SITE_CACHE_DIR=/tmp/dvc",
            "PYTHONUNBUFFERED=1",
            "PYTHONDONTWRITEBYTECODE=1",
            *env,
        ],
        "User": "10001:10001",
        "WorkingDir": "/tmp",
    }


def _push(
    folder: Path,
    programs: Programs,
    name: str,
    layers: tuple[Layer, ...],
    config: dict[str, Any],
) -> str:
    """The image's reference by digest, once the registry of the cluster in `folder` has it.

    It is to be called inside the cluster's network, after `keep_layers`.
    """
    with tempfile.TemporaryDirectory(dir=cache_folder()) as scratch:
        kept = [layer.keep(print) for layer in layers]
        layout = images.write_image(Path(scratch) / name, kept, config=config)
        stored = folder / "registry" / "sha256"
        stored.mkdir(exist_ok=True)
        for blob in (layout / "blobs" / "sha256").iterdir():
            # What the registry has it is not sent: a layer of gigabytes is linked, not copied.
            if not (stored / blob.name).exists():
                os.link(blob, stored / blob.name)
        crane = programs.path("crane")
        # The last line is the reference by digest.
        return run(crane, "push", layout, f"{REGISTRY}/{name}:1", "--insecure").split()[-1]
