"""A run's model asked about images."""

from collections.abc import Callable, Iterator, Mapping, Sequence
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
) -> Iterator[Mapping[str, object]]:
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
