"""Where descriptors run out, nothing is called damaged: what is read may be whole."""

import errno
from array import array
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from shortages import no_descriptors
from vtspec.adapters.data.file_tree import FileTree
from vtspec.adapters.data.image_decoding import read_image
from vtspec.adapters.system_errors import explain_system_error
from vtspec.adapters.toy import png, safetensors
from vtspec.adapters.training import checkpoints
from vtspec.pipelines.data.inspection.image_probe import inspect_images


def a_checkpoint(folder: Path) -> None:
    def fill(into: Path) -> None:
        (into / "model.safetensors").write_bytes(b"weights")

    manifest = {"epoch": 1, "step": 0, "metrics": {}}
    name = checkpoints.format_name(1, 0)
    checkpoints.write(folder, name, manifest, fill)
    checkpoints.write_pointer(folder, "last", name, {})
    checkpoints.write_pointer(folder, "best", name, {})


def refuse_damage(message: str) -> None:
    pytest.fail(f"called damaged: {message}")


READERS: dict[str, Callable[[Path], object]] = {
    "the last checkpoint": lambda root: checkpoints.find_resumable(root, refuse_damage),
    "the best checkpoint": checkpoints.find_best,
    "a checkpoint's manifest": lambda root: checkpoints.read_manifest(root / "epoch-0001"),
    "an image": lambda root: read_image(root / "x.png"),
    "an image that is looked at": lambda root: list(inspect_images(root, ["x.png"])),
    "a PNG of the toy": lambda root: png.read(root / "x.png"),
    "weights of the toy": lambda root: safetensors.read(root / "x.safetensors"),
    "annotations": lambda root: FileTree(root=root, files=()).read_bytes("x.png"),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())
def test_what_cannot_be_opened_for_want_of_descriptors_is_not_called_damaged(
    tmp_path: Path, read: Callable[[Path], object]
) -> None:
    a_checkpoint(tmp_path)
    Image.new("L", (8, 8)).save(tmp_path / "x.png")
    weights = {"w": safetensors.Tensor(shape=(1,), values=array("f", [1.0]))}
    safetensors.write(tmp_path / "x.safetensors", weights)
    read(tmp_path)

    with no_descriptors(), pytest.raises(OSError) as refused:
        read(tmp_path)

    assert refused.value.errno == errno.EMFILE
    told = explain_system_error(refused.value)
    assert told is not None and told[1] == "ulimit -n 1024"
