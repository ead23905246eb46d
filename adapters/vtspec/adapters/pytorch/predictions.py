"""What a network says of image files, batch by batch; one that is unreadable has its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import TypeVar

from vtspec.adapters.contract import InferenceResult, TaskType
from vtspec.adapters.json_types import JsonObject

from .loading import UnreadableImage

_Shown = TypeVar("_Shown")


def iter_results(
    paths: Iterable[Path],
    task: TaskType,
    size: int,
    read: Callable[[Path], _Shown | UnreadableImage],
    answer: Callable[[Sequence[_Shown]], Sequence[JsonObject]],
) -> Iterator[InferenceResult]:
    """What is said of each image file, in order, `size` of them at a time.

    `read` makes of a file what the network is shown, `answer` of several of those the fields of
    their results.
    """
    # Batch by batch: a folder to predict on may hold more than fits in memory.
    waiting = iter(paths)
    while group := list(islice(waiting, size)):
        shown = [read(path) for path in group]
        readable = [one for one in shown if not isinstance(one, UnreadableImage)]
        began = perf_counter()
        told = iter(answer(readable) if readable else ())
        # The network's time alone: decoding depends on the disk and not on the model.
        spent_ms = (perf_counter() - began) * 1000 / len(group)
        for path, one in zip(group, shown, strict=True):
            if isinstance(one, UnreadableImage):
                yield InferenceResult(
                    image_path=str(path),
                    task_type=task,
                    inference_time_ms=0.0,
                    error=one.reason,
                )
            else:
                yield InferenceResult(
                    image_path=str(path),
                    task_type=task,
                    inference_time_ms=spent_ms,
                    **next(told),
                )
