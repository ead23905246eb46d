"""A run's model asked about images: the adapter's process, its answers one by one."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from vtspec.pipelines.errors import Refused, RunFailed
from vtspec.pipelines.execution.steps.process_env import build_variables
from vtspec.pipelines.runs import Run

from .environment import Environment

_LAST_LINES = 15
_GRACE_S = 10.0


def iter_predictions(
    run: Run, images: Sequence[Path], environment: Environment
) -> Iterator[Mapping[str, Any]]:
    """What the best checkpoint of `run` says of each image, in order, as it becomes known.

    Each is an `InferenceResult` of the adapter as plain data, without the fields of other tasks.

    Raises:
        Refused: an image cannot be read, or the run has no model yet.
        RunFailed: the adapter's process broke down.
    """
    plan = run.read_plan()
    with ExitStack() as stack:
        # The paths go through a file: there may be more than a command line holds.
        listed = stack.enter_context(tempfile.NamedTemporaryFile("w", encoding="utf-8"))
        listed.write("".join(f"{path.absolute()}\n" for path in images))
        listed.flush()
        printed = stack.enter_context(tempfile.TemporaryFile())
        reading, writing = os.pipe()
        answers = stack.enter_context(os.fdopen(reading, "rb"))
        try:
            process = subprocess.Popen(
                _build_arguments(run, environment, Path(listed.name), writing),
                env=build_variables(plan, os.environ, _find_pythonpath(environment)),
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
                pass_fds=[writing],
            )
        finally:
            os.close(writing)
        stack.callback(_end_process, process)
        # Closed before that wait: a process that still has answers to write must see it go.
        stack.callback(answers.close)
        yield from _iter_answers(answers, process, printed)


def _iter_answers(
    answers: IO[bytes], process: "subprocess.Popen[bytes]", printed: IO[bytes]
) -> Iterator[Mapping[str, Any]]:
    failure: Mapping[str, Any] = {}
    for line in answers:
        told = json.loads(line)
        if told["kind"] == "prediction":
            yield told["result"]
        elif told["kind"] == "failed":
            failure = told
    code = process.wait()
    if code == 0:
        return
    if failure and not failure.get("traceback"):
        raise Refused(failure["message"], fix=failure.get("fix"))
    printed.seek(0)
    last = printed.read().decode(errors="replace").splitlines()[-_LAST_LINES:]
    told_last = str(failure.get("traceback") or "\n".join(last)).strip()
    raise RunFailed(f"the adapter broke down with exit code {code}:\n{told_last}")


def _build_arguments(run: Run, environment: Environment, listed: Path, writing: int) -> list[str]:
    arguments = [str(environment.python), "-m", "vtspec.adapters", "predict"]
    arguments += ["--plan", str(run.path / "plan.json"), "--workdir", str(run.path)]
    arguments += ["--run", run.name, "--attempt", str(run.attempt)]
    return [*arguments, "--images-from", str(listed), "--events-fd", str(writing)]


def _find_pythonpath(environment: Environment) -> str | None:
    return None if environment.pythonpath is None else str(environment.pythonpath)


def _end_process(process: "subprocess.Popen[bytes]") -> None:
    """Nothing stays behind where the reader of the answers has gone."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
