"""A run's model asked about images: the adapter's process, its answers one by one."""

import os
import sys
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path

from vtspec.pipelines.errors import Refused, RunFailed
from vtspec.pipelines.planning.plan_model import plan_from_json
from vtspec.pipelines.runs import Run
from vtspec.pipelines.runs.events import Body, Failed, Predicted, read_body

from .environment import Environment
from .image_feed import ComingImages, ImageFeed
from .steps.adapter_command import place_command
from .steps.adapter_launch import (
    AdapterCommand,
    RunningAdapter,
    build_arguments,
    launch_adapter,
)
from .steps.adapter_messages import InvalidEvent, parse_event
from .steps.output_log import OUTPUT_FILE

_KINDS = frozenset({Predicted.kind, Failed.kind})
_LAST_LINES = 15
_GRACE_S = 10.0
# A mask or a long text of one image is one line.
_LONGEST_ANSWER = 1 << 26


def iter_predictions(
    run: Run, images: Sequence[Path] | ComingImages, environment: Environment
) -> Generator[Mapping[str, object], None, None]:
    """What the best checkpoint of `run` says of each image, in order, as it becomes known.

    Each is an `InferenceResult` of the adapter as plain data, without the fields of other tasks;
    for an image that cannot be read, it has an `error`.

    Raises:
        Refused: the run has no model yet, or one of what the adapter refuses.
        RunFailed: the adapter's process broke down.
    """
    plan = plan_from_json(run.read_plan())
    with tempfile.TemporaryDirectory(prefix="vtspec-predict-") as name:
        folder = Path(name)
        # The paths go through a file: there may be more than a command line holds.
        listed = folder / "images"
        if isinstance(images, ComingImages):
            folders, feed = images.folders, ImageFeed(listed, images)
            _refuse_pipe(environment)
        else:
            folders, feed = list_folders(images), None
            listed.write_text("".join(f"{path.absolute()}\n" for path in images), encoding="utf-8")
        arguments = build_arguments(environment, "predict", run.plan_file, run.name, run.attempt)
        command = place_command(
            AdapterCommand(
                step="predict",
                arguments=[*arguments, "--images-from", str(listed)],
                variables=os.environ,
                folder=folder,
                cwd=Path.cwd(),
                longest=_LONGEST_ANSWER,
            ),
            environment,
            plan,
            readable=[run.path.absolute(), *folders],
        )
        with launch_adapter(command, grace_s=_GRACE_S) as adapter, feed or nullcontext():
            failure = yield from _iter_answers(adapter, feed)
        # After the block: the process has ended, and all that it said was read.
        if adapter.process.returncode != 0:
            raise _explain(adapter.process.returncode, failure, folder / OUTPUT_FILE)


def list_folders(images: Sequence[Path]) -> tuple[Path, ...]:
    """The folders that files lie in, without those below another of them."""
    found: list[Path] = []
    for folder in sorted({path.absolute().parent for path in images}):
        if not found or not folder.is_relative_to(found[-1]):
            found.append(folder)
    return tuple(found)


def _refuse_pipe(environment: Environment) -> None:
    """Raise `Refused` where the adapter is on another kernel, which knows no pipe of this one."""
    if environment.container is not None and sys.platform != "linux":
        raise Refused(
            "frames and tiles cannot be told to a container, which is in a virtual machine here",
            fix="add --backend process",
        )


def _iter_answers(
    adapter: RunningAdapter, feed: ImageFeed | None
) -> Generator[Mapping[str, object], None, Failed | None]:
    """The answers; what the adapter said of its failure, if it did, is returned."""
    failure = None
    for lines in adapter.follow():
        for body in _parse_lines(lines.told):
            if isinstance(body, Predicted):
                if feed is not None:
                    feed.give()
                yield body.result
                if feed is not None:
                    feed.take()
            elif isinstance(body, Failed):
                failure = body
    return failure


def _parse_lines(lines: Sequence[bytes]) -> Iterator[Body]:
    for line in lines:
        with suppress(InvalidEvent):
            told = parse_event(line, _KINDS)
            yield read_body(told.kind, told.fields)


def _explain(code: int, failure: Failed | None, output: Path) -> Refused | RunFailed:
    if failure is not None and failure.message is not None and not failure.traceback:
        return Refused(failure.message, fix=failure.fix)
    last = output.read_bytes().decode(errors="replace").splitlines()[-_LAST_LINES:]
    words = (failure.traceback if failure is not None else None) or "\n".join(last)
    return RunFailed(f"the adapter broke down with exit code {code}:\n{words.strip()}")
