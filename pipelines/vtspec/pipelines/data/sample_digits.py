"""The sample dataset: scikit-learn's handwritten digits as a folder of images.

1,797 real digits (UCI Optical Recognition of Handwritten Digits, test part), 8 x 8 pixels in 17
shades of grey, ten classes. `python -m vtspec.pipelines.data.sample_digits data/digits` writes
them as `train|val|test/<digit>/<index>.png`: the pixels as they are, grey stretched to 0…255.
The bytes are the same on every machine, so the folder's DVC hash is too.
"""

import hashlib
import sys
from pathlib import Path
from typing import Final

from vtspec.adapters.durable_files import stage_folder

from .stratified_split import split_stratified

SHARES: Final = {"train": 0.6, "val": 0.2, "test": 0.2}


def write_digits(folder: Path) -> int:
    """Write the dataset to `folder`, in place of what is there; returns how many images.

    Nothing half-written is ever seen at `folder`. Raises `ImportError` without scikit-learn and
    Pillow.
    """
    from PIL import Image
    from sklearn.datasets import load_digits
    from sklearn.utils import Bunch

    digits = load_digits()
    assert isinstance(digits, Bunch)
    grey = (digits.images * (255 / 16)).round().astype("uint8")
    items = [
        (str(label), hashlib.sha256(image.tobytes()).hexdigest(), index)
        for index, (label, image) in enumerate(zip(digits.target, grey, strict=True))
    ]
    with stage_folder(folder, replace=True) as fresh:
        for split, indexes in split_stratified(items, SHARES).items():
            for index in indexes:
                path = fresh / split / items[index][0] / f"{index:04d}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                # zlib and zlib-ng compress to different bytes, but store to the same ones.
                Image.fromarray(grey[index]).save(path, compress_level=0)
    return len(items)


if __name__ == "__main__":
    try:
        print(f"{write_digits(Path(sys.argv[1]))} images in {sys.argv[1]}")
    except ImportError as error:
        sys.exit(f"{error}\n  fix: pip install 'vtspec[data]'")
