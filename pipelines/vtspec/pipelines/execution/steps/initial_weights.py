"""The file of weights that a plan starts from, brought here and checked."""

from pathlib import Path
from typing import assert_never

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.runs import Run
from vtspec.pipelines.runs.run import describe_changed_file, hash_file
from vtspec.pipelines.runs.state import MODEL_FOLDER
from vtspec.pipelines.weights.model import (
    FileWeights,
    HubWeights,
    MlflowWeights,
    RunWeights,
    UnpinnedWeights,
    Weights,
)
from vtspec.pipelines.weights.model_versions import ModelDownload


def find_start_weights(
    weights: Weights | None, root: Path, cache: Path, download: ModelDownload
) -> Path | None:
    """The local `.safetensors` file, or None where the adapter needs none from us.

    Paths of a plan are from the repository's `root`; weights of a hub are the adapter's to fetch,
    at their revision. Raises `Permanent` where the file is gone or is not the one planned.
    """
    match weights:
        # The framework has its own download and cache, which a plan's revision pins.
        case None | HubWeights():
            return None
        case MlflowWeights():
            return _fetch_registered(weights, cache, download)
        case RunWeights():
            path = _check_file(root / weights.path, weights.sha256)
            # Planned from a file that was damaged already, as an earlier vtspec did.
            run = Run(path.parent.parent)
            if f"{MODEL_FOLDER}/{path.name}" in run.list_changed(MODEL_FOLDER):
                again = format_command("vtspec", "run", run.name, "--again")
                raise Permanent(
                    describe_changed_file(run, f"{MODEL_FOLDER}/{path.name}"),
                    fix=f"put the file back, or: {again}; and plan again",
                )
            return path
        case FileWeights():
            return _check_file(root / weights.path, weights.sha256)
        case UnpinnedWeights():
            # Planning refuses it long before; random weights in its place would be a lie.
            raise Permanent(
                f"nothing pins the weights {weights.source}", fix="plan the spec again"
            )
        case _:
            assert_never(weights)


def _check_file(path: Path, sha256: str) -> Path:
    if not path.is_file():
        raise Permanent(
            f"the plan starts from {path}, which is not there",
            fix="put the file back, or name other weights in the spec and plan again",
        )
    if hash_file(path) != f"sha256:{sha256.removeprefix('sha256:')}":
        raise Permanent(
            f"{path} is not the file that was planned: its SHA-256 differs",
            fix="put the planned file back, or plan again with this one",
        )
    return path


def _fetch_registered(weights: MlflowWeights, cache: Path, download: ModelDownload) -> Path:
    name, version = weights.name, weights.version
    # A model with several files is not one that vtspec registered, and guessing is worse.
    found = sorted(download(name, version, cache).rglob("*.safetensors"))
    if len(found) != 1:
        raise Permanent(
            f"version {version} of {name} holds {len(found)} .safetensors files, not one",
            fix="name a version that vtspec registered, or a .safetensors path",
        )
    return found[0]
