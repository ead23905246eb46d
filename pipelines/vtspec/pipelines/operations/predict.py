"""A run's model asked about images, and what becomes of its answers."""

import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .frameworks import Wish, choose_prediction_environment

if TYPE_CHECKING:
    from vtspec.pipelines.inference.coco_results import CocoIds, Entry
    from vtspec.pipelines.inference.drawing import Artist
    from vtspec.pipelines.planning.plan_model import Plan
    from vtspec.pipelines.runs import Run

OBJECT_TASKS: Final = frozenset(
    {"object-detection", "instance-segmentation", "pose-estimation", "oriented-detection"}
)
"""Those whose answers are objects, each with a confidence."""

_COCO_TASKS: Final = OBJECT_TASKS | {"semantic-segmentation"}

_DRAWN_TASKS: Final = _COCO_TASKS | {"image-classification", "multilabel-classification"}

_PICTURE_TASKS: Final = frozenset({"super-resolution", "depth-estimation"})

_LEAST: Final = 0.25
"""From which confidence on objects are drawn where an evaluation does not say."""


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

    # The adapter is given the file.
    if (lost := run.restore_plan()) is not None:
        report(f"warning: {lost}")
    framework = _read_plan(run).framework.name
    environment = choose_prediction_environment(run, framework, environ, report, wish)
    answers = iter_predictions(run, list(images), environment)
    # The adapter was told absolute paths: it may work in another folder.
    for path, answer in zip(images, answers, strict=True):
        yield {**answer, "image_path": str(path)}


def check_wish(run: "Run", *, into: Path | None, output: str, least: float | None) -> None:
    """Raise `Refused` where what is wished for has no meaning for the run's task, before any model
    is loaded, or where the folder `into` is neither new nor empty: nothing is written over."""
    from vtspec.pipelines.errors import Refused

    task = _read_plan(run).task
    if into is not None:
        _check_picture_folder(into)
        if task not in _DRAWN_TASKS | _PICTURE_TASKS:
            raise Refused(f"{task}: what it says cannot be drawn", fix="leave out --into")
    if output == "coco" and task not in _COCO_TASKS:
        raise Refused(f"{task}: COCO has no results of it", fix="--output json")
    if least is not None and task not in OBJECT_TASKS:
        raise Refused(
            f"{task}: it finds no objects that --confidence could choose from",
            fix="leave out --confidence",
        )


def _check_picture_folder(folder: Path) -> None:
    from vtspec.pipelines.errors import Refused

    if folder.exists() and not folder.is_dir():
        raise Refused(f"{folder}: is no folder", fix="name another one")
    if folder.is_dir() and any(folder.iterdir()):
        raise Refused(f"{folder}: is not empty", fix="name a folder that is new or empty")


def make_artist(
    run: "Run", root: Path, top: int, least: float | None, report: Callable[[str], None]
) -> "Artist | None":
    """Who draws the answers of the run's model; None where it answers with pictures.

    Drawn are objects from `least` confidence on, else from where F1 was best when the run was
    evaluated, which is told; a body's lines are as the dataset below the repository's `root` has
    them.

    Raises `Permanent` where what draws is not installed.
    """
    from vtspec.pipelines.inference.dataset_annotations import read_annotations
    from vtspec.pipelines.inference.drawing import Artist, DrawingStyle
    from vtspec.pipelines.inference.skeletons import choose_skeleton

    plan = _read_plan(run)
    if plan.task in _PICTURE_TASKS:
        return None
    if least is None and plan.task in OBJECT_TASKS:
        least, why = _find_best_confidence(run.path / "evaluation.json")
        report(f"drawn from confidence {least:.2f} on, {why}; --confidence sets another")
    points = plan.dataset.keypoints or ()
    rows = [row for each in read_annotations(plan.dataset, root) for row in each.rows]
    skeleton = choose_skeleton(points, rows) if points else ()
    style = DrawingStyle(least=least or 0.0, top=top, skeleton=skeleton)
    artist = Artist(plan.dataset.classes, style)
    if (lacking := artist.describe_lacking()) is not None:
        report(f"warning: {lacking}")
    return artist


def keep_confident(
    answers: Generator[Mapping[str, object], None, None], least: float
) -> Generator[Mapping[str, object], None, None]:
    """The answers as they come, without objects of less confidence."""
    from vtspec.pipelines.inference.answers import keep_sure

    with closing(answers):
        for answer in answers:
            yield keep_sure(answer, least)


def _find_best_confidence(evaluation: Path) -> tuple[float, str]:
    from vtspec.pipelines.runs.json_values import to_mapping, to_number

    try:
        told = to_number(to_mapping(json.loads(evaluation.read_bytes())).get("confidence"))
    except (OSError, ValueError):
        told = None
    if told is None:
        return _LEAST, "as no evaluation says where F1 is best"
    return told, "where F1 was best when it was evaluated"


@dataclass(kw_only=True)
class CocoWriter:
    """Answers as COCO's results. Images of a split of the dataset have the ids of its own COCO
    file, named by `known`; else they are numbered from 1, in `images` with their names."""

    ids: "CocoIds"
    known: Path | None = None
    images: list[Mapping[str, object]] = field(default_factory=list)

    def list_entries(self, answer: Mapping[str, object]) -> Iterator["Entry"]:
        """The results of an answer, whose image is numbered where it has no id."""
        from vtspec.pipelines.inference.coco_results import list_entries

        path = str(answer["image_path"])
        image = self.ids.images.get(path) if self.known is not None else len(self.images) + 1
        if self.known is None:
            self.images.append(_describe_image(image, answer))
        return list_entries(answer, image, self.ids)

    def write_images(self, folder: Path) -> Path | None:
        """Write `images.json`, with the ids of numbered images and of classes; where those of a
        dataset were used, nothing."""
        if self.known is not None:
            return None
        categories = [
            {"id": identity, "name": name, **({"keypoints": points} if points else {})}
            for points in [list(self.ids.points)]
            for name, identity in self.ids.categories.items()
        ]
        told = {"images": self.images, "annotations": [], "categories": categories}
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "images.json"
        path.write_text(json.dumps(told, ensure_ascii=False) + "\n", encoding="utf-8")
        return path


def _describe_image(identity: object, answer: Mapping[str, object]) -> Mapping[str, object]:
    from vtspec.adapters.data.image_decoding import open_image, read_orientation

    path = Path(str(answer["image_path"]))
    with open_image(path) as image:
        turned = read_orientation(image) >= _FIRST_LYING
        width, height = image.size[::-1] if turned else image.size
    return {"id": identity, "file_name": str(path), "width": width, "height": height}


_FIRST_LYING: Final = 5
"""The first of EXIF's orientations that exchange width and height."""


def open_coco(run: "Run", root: Path, images: Sequence[Path], into: Path | None) -> CocoWriter:
    """Who writes COCO's results of these images: by the ids of the dataset's own COCO file below
    the repository's `root` where all of them are in one; else numbered, which takes a folder for
    the list of them.

    Raises `Refused` where there is none.
    """
    from vtspec.pipelines.errors import Refused
    from vtspec.pipelines.inference.coco_results import CocoIds, number_classes
    from vtspec.pipelines.inference.dataset_annotations import read_annotations

    dataset = _read_plan(run).dataset
    points = dataset.keypoints or ()
    for each in read_annotations(dataset, root):
        found = {str(image): each.find_id(image) for image in images}
        if found and None not in found.values():
            ids = CocoIds(
                images=found, categories=each.categories, points=each.find_points(points)
            )
            return CocoWriter(ids=ids, known=each.file)
    if into is None:
        raise Refused(
            "these images are not those of one COCO file of the run's dataset, and their ids "
            "would mean nothing without a list of them",
            fix="add --into FOLDER, which has the ids in images.json",
        )
    return CocoWriter(ids=number_classes(dataset.classes, points))


def save_pictures(
    answers: Generator[Mapping[str, object], None, None],
    folder: Path,
    artist: "Artist | None" = None,
) -> Iterator[Mapping[str, object]]:
    """The answers as they come, told with the `predicted_path` of a PNG in `folder` of the image's
    name: what the model made of the image where it answers with pictures, else the image with the
    answer drawn on it by the `artist`. Of images of one name the later ones are numbered.

    Raises:
        Refused: there is no picture, and nobody who draws one.
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
            path = Path(str(answer["image_path"]))
            if picture is None:
                if artist is None:
                    raise Refused(
                        "this model does not answer with pictures", fix="leave out --into"
                    )
                picture = _draw(artist, path, answer)
            name = _choose_name(path.stem, taken)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(picture)
            told = {key: value for key, value in answer.items() if key != "predicted_image"}
            yield {**told, "predicted_path": str(folder / name)}


def _draw(artist: "Artist", path: Path, answer: Mapping[str, object]) -> bytes:
    import io

    from vtspec.adapters.data.image_decoding import read_image

    written = io.BytesIO()
    artist.draw(read_image(path), answer).save(written, "PNG")
    return written.getvalue()


def _read_plan(run: "Run") -> "Plan":
    from vtspec.pipelines.planning.plan_model import plan_from_json

    return plan_from_json(run.read_plan())


def _choose_name(stem: str, taken: set[str]) -> str:
    """The first free name of a PNG, which is taken by that."""
    name, number = f"{stem}.png", 1
    # Folders of some machines take capitals for small letters.
    while name.casefold() in taken:
        number += 1
        name = f"{stem}-{number}.png"
    taken.add(name.casefold())
    return name


def _decode_picture(told: object) -> bytes | None:
    """The bytes of what is told as base64, or None of anything else."""
    import base64
    import binascii

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
