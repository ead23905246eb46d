"""A run's model asked about images."""

import base64
import binascii
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from .frameworks import Wish, choose_prediction_environment

if TYPE_CHECKING:
    from vtspec.pipelines.runs import Run


def predict_images(
    run: "Run",
    images: Sequence[Path],
    environ: Mapping[str, str],
    report: Callable[[str], None],
    wish: Wish,
) -> Generator[Mapping[str, object], None, None]:
    """The answer of the run's best checkpoint for each image, as it comes, under the path that
    was asked for; of an image that cannot be read, its `error`. It answers in what is wished for,
    else in an environment as the run had."""
    from vtspec.pipelines.execution.prediction import iter_predictions
    from vtspec.pipelines.planning.plan_model import plan_from_json

    # The adapter is given the file.
    if (lost := run.restore_plan()) is not None:
        report(f"warning: {lost}")
    framework = plan_from_json(run.read_plan()).framework.name
    environment = choose_prediction_environment(run, framework, environ, report, wish)
    answers = iter_predictions(run, list(images), environment)
    # The adapter was told absolute paths: it may work in another folder.
    for path, answer in zip(images, answers, strict=True):
        yield {**answer, "image_path": str(path)}


def check_picture_folder(folder: Path) -> None:
    """Raise `Refused` unless `folder` is new or empty: nothing in it is written over."""
    from vtspec.pipelines.errors import Refused

    if folder.exists() and not folder.is_dir():
        raise Refused(f"{folder}: is no folder", fix="name another one")
    if folder.is_dir() and any(folder.iterdir()):
        raise Refused(f"{folder}: is not empty", fix="name a folder that is new or empty")


def save_pictures(
    answers: Generator[Mapping[str, object], None, None], folder: Path
) -> Iterator[Mapping[str, object]]:
    """The answers as they come, each `predicted_image` written into `folder` as a PNG of its
    image's name, and told by `predicted_path` instead; of images of one name the later ones are
    numbered.

    Raises:
        Refused: the model answers with no pictures.
    """
    from vtspec.pipelines.errors import Refused

    taken: set[str] = set()
    # Who answers is a process, which a refusal must not leave behind.
    with closing(answers):
        for answer in answers:
            if "error" in answer:
                yield answer
                continue
            picture = _decode_picture(answer.get("predicted_image"))
            if picture is None:
                raise Refused("this model does not answer with pictures", fix="leave out --into")
            name = _choose_name(Path(str(answer["image_path"])).stem, taken)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(picture)
            told = {key: value for key, value in answer.items() if key != "predicted_image"}
            yield {**told, "predicted_path": str(folder / name)}


def _choose_name(stem: str, taken: set[str]) -> str:
    """The first free name of a PNG, which is taken by that."""
    name, number = f"{stem}.png", 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}.png"
    taken.add(name)
    return name


def _decode_picture(told: object) -> bytes | None:
    """The bytes of what is told as base64, or None of anything else."""
    try:
        return base64.b64decode(told, validate=True) if isinstance(told, str) else None
    except binascii.Error:
        return None


def expand_images(images: Sequence[Path]) -> list[Path]:
    """The images themselves, and those in the folders, each in order.

    Raises:
        Refused: something is not there, or a folder has no image.
    """
    from vtspec.adapters.data.image_labels import list_images
    from vtspec.pipelines.errors import Refused

    found: list[Path] = []
    for path in images:
        if path.is_dir():
            below = list_images(path)
            if not below:
                raise Refused(f"{path}: no image in this folder", fix="name another one")
            found += below
        elif path.is_file():
            found.append(path)
        elif path.exists():
            raise Refused(f"{path}: is neither a file nor a folder", fix="name a file")
        else:
            raise Refused(f"{path}: no such file or folder", fix="check the path")
    # The adapter is given the paths in a file, one a line.
    broken = next((path for path in found if "\n" in str(path)), None)
    if broken is not None:
        raise Refused(f"{str(broken)!r}: a line break in a name", fix="rename the file")
    return found
