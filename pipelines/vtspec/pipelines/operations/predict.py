"""A run's model asked about images, and what becomes of its answers."""

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

from .frameworks import Wish, choose_prediction_environment

if TYPE_CHECKING:
    from vtspec.pipelines.errors import RunFailed
    from vtspec.pipelines.execution.environment import Environment
    from vtspec.pipelines.inference.asked_pictures import AskedPicture
    from vtspec.pipelines.inference.coco_results import CocoWriter
    from vtspec.pipelines.inference.drawing import Artist
    from vtspec.pipelines.inference.sources import Source
    from vtspec.pipelines.inference.tiles import Tiling
    from vtspec.pipelines.inference.video_frames import Every
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


_TEMPORARY: Final = "vtspec-frames-"


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked about: images and videos, of these `every` so many frames; in tiles where
    there is a `tiling`."""

    sources: Sequence["Source"]
    every: "Every"
    tiling: "Tiling | None" = None

    @property
    def needs_files(self) -> bool:
        """Whether something has to be written to be asked about."""
        return self.tiling is not None or any(one.is_video for one in self.sources)


@dataclass(frozen=True, kw_only=True)
class Answered:
    """An answer as it is `told`, and the file that shows what it is about for as long as nobody
    asks for the next one. Of a video there is one for each frame that was looked at, with its
    `frame` and `time_s`, and one with an `error` after them where the rest cannot be read."""

    told: Mapping[str, object]
    pixels: Path


def predict_sources(
    run: "Run",
    question: Question,
    environ: Mapping[str, str],
    report: Callable[[str], None],
    wish: Wish,
) -> Generator[Answered, None, None]:
    """The answer of the run's best checkpoint for each picture, as it comes, under the path that
    was asked for; of what cannot be read, its `error`. It answers in what is wished for, else in
    an environment as the run had."""
    # The adapter is given the file.
    if (lost := run.restore_plan()) is not None:
        report(f"warning: {lost}")
    framework = _read_plan(run).framework.name
    environment = choose_prediction_environment(run, framework, environ, report, wish)
    ask = _ask_by_feed if question.needs_files else _ask_by_list
    yield from ask(run, question, environment)


def _ask_by_list(
    run: "Run", question: Question, environment: "Environment"
) -> Generator[Answered, None, None]:
    from vtspec.pipelines.execution.prediction import iter_predictions

    images = [one.path for one in question.sources]
    # The adapter was told absolute paths: it may work in another folder.
    with closing(iter_predictions(run, images, environment)) as answers:
        for path, answer in zip(images, answers, strict=True):
            yield Answered(told={**answer, "image_path": str(path)}, pixels=path)


def _ask_by_feed(
    run: "Run", question: Question, environment: "Environment"
) -> Generator[Answered, None, None]:
    """Pictures are written for the adapter as it comes to them, and removed when they were
    answered: neither a video nor its frames need room."""
    import tempfile

    from vtspec.pipelines.execution.image_feed import ComingImages
    from vtspec.pipelines.execution.prediction import iter_predictions, list_folders
    from vtspec.pipelines.inference.asked_pictures import iter_asked

    with tempfile.TemporaryDirectory(prefix=_TEMPORARY) as name:
        waiting: SimpleQueue[AskedPicture] = SimpleQueue()
        asked = iter_asked(question.sources, Path(name), question.every, question.tiling)
        images = ComingImages(
            paths=_note_asked(asked, waiting),
            folders=(Path(name), *list_folders([one.path for one in question.sources])),
            # An adapter may want a whole batch before it answers.
            ahead=2 * _read_plan(run).training.batch_size,
        )
        with closing(iter_predictions(run, images, environment)) as answers:
            for answer in answers:
                while (each := waiting.get()).error is not None:
                    yield _answer(each, {})
                parts = [answer, *islice(answers, len(each.files) - 1)]
                if len(parts) < len(each.files):
                    raise _make_silence(each.source)
                yield _answer(each, each.join(parts))
                each.discard()
        # The thread that fills it has ended with the adapter.
        while not waiting.empty():
            each = waiting.get()
            if each.error is None:
                raise _make_silence(each.source)
            yield _answer(each, {})


def _note_asked(
    asked: "Generator[AskedPicture, None, None]", waiting: "SimpleQueue[AskedPicture]"
) -> Generator[Path, None, None]:
    with closing(asked):
        for each in asked:
            waiting.put(each)
            yield from each.files


def _answer(asked: "AskedPicture", answer: Mapping[str, object]) -> Answered:
    place = {} if asked.frame is None else {"frame": asked.frame, "time_s": asked.time_s}
    error = {} if asked.error is None else {"error": asked.error}
    # In front, where a person looks for it.
    told = {"image_path": str(asked.source), **place, **answer, **error}
    return Answered(told={**told, "image_path": str(asked.source)}, pixels=asked.pixels)


def _make_silence(path: Path) -> "RunFailed":
    from vtspec.pipelines.errors import RunFailed

    return RunFailed(f"the adapter ended, and said nothing of {path}")


def check_wish(
    run: "Run", *, into: Path | None, output: str, least: float | None, tiling: "Tiling | None"
) -> None:
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
    if tiling is not None and task != "object-detection":
        raise Refused(
            f"{task}: what it says of tiles cannot be put together, as boxes of objects can",
            fix="leave out --tiles",
        )


def answers_with_pictures(run: "Run") -> bool:
    """Whether what the run's model says of an image is another one."""
    return _read_plan(run).task in _PICTURE_TASKS


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
    if answers_with_pictures(run):
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
    answers: Generator[Answered, None, None], least: float
) -> Generator[Answered, None, None]:
    """The answers as they come, without objects of less confidence."""
    from vtspec.pipelines.inference.answers import keep_sure

    with closing(answers):
        for one in answers:
            yield replace(one, told=keep_sure(one.told, least))


def _find_best_confidence(evaluation: Path) -> tuple[float, str]:
    from vtspec.pipelines.runs.json_values import to_mapping, to_number

    try:
        told = to_number(to_mapping(json.loads(evaluation.read_bytes())).get("confidence"))
    except (OSError, ValueError):
        told = None
    if told is None:
        return _LEAST, "as no evaluation says where F1 is best"
    return told, "where F1 was best when it was evaluated"


def open_coco(
    run: "Run", root: Path, sources: Sequence["Source"], into: Path | None
) -> "CocoWriter":
    """Who writes COCO's results of these sources: by the ids of the dataset's own COCO file below
    the repository's `root` where all of them are in one; else numbered, which takes a folder for
    the list of them.

    Raises `Refused` where there is none.
    """
    from vtspec.pipelines.errors import Refused
    from vtspec.pipelines.inference.coco_results import CocoIds, CocoWriter, number_classes
    from vtspec.pipelines.inference.dataset_annotations import read_annotations

    dataset = _read_plan(run).dataset
    points = dataset.keypoints or ()
    for each in read_annotations(dataset, root):
        found = {str(one.path): each.find_id(one.path) for one in sources}
        if found and None not in found.values():
            ids = CocoIds(
                images=found, categories=each.categories, points=each.find_points(points)
            )
            return CocoWriter(ids=ids, known=each.file)
    if into is None:
        raise Refused(
            "these are not images of one COCO file of the run's dataset, and their ids "
            "would mean nothing without a list of them",
            fix="add --into FOLDER, which has the ids in images.json",
        )
    return CocoWriter(ids=number_classes(dataset.classes, points))


def save_pictures(
    answers: Generator[Answered, None, None], folder: Path, artist: "Artist | None"
) -> Generator[Answered, None, None]:
    """The answers as they come, told with the `predicted_path` of a picture in `folder`: a PNG an
    image, a video of a video's frames. Raises as `PictureFolder`."""
    from vtspec.pipelines.inference.picture_folder import PictureFolder

    # Who answers is a process, which a refusal must not leave behind.
    with closing(answers), PictureFolder(folder, artist) as pictures:
        for one in answers:
            if "error" in one.told:
                yield one
            else:
                yield replace(one, told=pictures.save(one.told, one.pixels))


def _read_plan(run: "Run") -> "Plan":
    from vtspec.pipelines.planning.plan_model import plan_from_json

    return plan_from_json(run.read_plan())
