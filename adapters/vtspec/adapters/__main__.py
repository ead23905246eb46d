"""`python -m vtspec.adapters train|evaluate|export|predict …`: one step, inside the framework's
own environment.

What happens is told as JSON lines on `--events-fd`; stdout and stderr belong to the framework.
To train on several GPUs this process starts one for each, which are told `--group` instead.
Exit codes: 0 done, 2 something a person can mend (told as `failed`, with its fix), 75 interrupted
(a checkpoint was left where training had begun), 1 anything else (`failed`, with its traceback).
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

from vtspec.adapters.json_types import JsonObject
from vtspec.adapters.shell_command import format_command
from vtspec.adapters.training import checkpoints
from vtspec.adapters.training.event_stream import JsonLinesCallbacks
from vtspec.adapters.training.loop import fit

from .contract import (
    AdapterError,
    ExportedFile,
    InferenceResult,
    Interrupted,
    Job,
    TrainingAdapter,
    TrainingCallbacks,
    TrainingFailure,
)
from .discovery import AdapterModule, load_adapter
from .durable_files import stage_folder, sync_folder, write_file_atomic
from .job import build_job, resolve_params
from .pytorch.torchrun import ExitStatus, GroupFolder, die_with_parent, get_rank, launch
from .system_errors import explain_system_error

_INTERRUPTED: Final = 75
_FAILED: Final = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Run one step and return its exit code."""
    arguments = _build_parser().parse_args(argv)
    if getattr(arguments, "group", None) is not None:
        return _take_part(arguments, GroupFolder(arguments.group))
    lines = JsonLinesCallbacks(
        fd=arguments.events_fd, stdout=sys.stdout, workdir=arguments.workdir
    )
    with _report_outcome(lines) as ending, _handle_signals(arguments.command, lines):
        _carry_out(arguments, lines, ending)
    return ending.code


def _carry_out(
    arguments: argparse.Namespace, lines: JsonLinesCallbacks, ending: ExitStatus
) -> None:
    plan = _load_plan(arguments.plan)
    # Read before the framework is imported: a plan that is wrong is told within milliseconds.
    module = _load_module(plan)
    job = _prepare_job(arguments, plan, module)
    lines.epochs = job.training.epochs
    lines.images_per_step = job.training.batch_size * job.training.gradient_accumulation
    if arguments.command == "train" and (processes := _count_processes(arguments, job, module)):
        ended = launch(
            lambda folder: _build_words(arguments, folder),
            processes=processes,
            gpus=job.gpus,
            events_fd=arguments.events_fd,
            should_stop=lines.should_stop,
        )
        ending.code, ending.failed = ended.code, ended.failed
        return
    adapter = module.Adapter(job, lines)
    _COMMANDS[arguments.command](adapter, job, lines, arguments)


def _take_part(arguments: argparse.Namespace, folder: GroupFolder) -> int:
    """Be one of several processes; its exit code is 0 where all end alike."""
    die_with_parent()
    process = get_rank()
    # Rank 0 tells; in a file both it and whoever started it append.
    target = os.devnull if process.rank else folder.events
    fd = os.open(target, os.O_WRONLY | os.O_APPEND)
    lines = JsonLinesCallbacks(
        fd=fd,
        stdout=sys.stdout if process.rank == 0 else open(os.devnull, "w"),
        workdir=arguments.workdir,
        stop_file=folder.stop,
    )
    with _note_outcome() as ending:
        plan = _load_plan(arguments.plan)
        module = _load_module(plan)
        job = dataclasses.replace(_prepare_job(arguments, plan, module), process=process)
        lines.epochs = job.training.epochs
        lines.images_per_step = job.training.batch_size * job.training.gradient_accumulation
        train_in_group(module.Adapter(job, lines), job, lines, arguments.resume, ending)
    lines.close()
    folder.note(process.rank, ending)
    return 0 if ending.failed is None else 1


def train_in_group(
    adapter: TrainingAdapter,
    job: Job,
    callbacks: TrainingCallbacks,
    resume: bool,
    ending: ExitStatus,
) -> None:
    """Train as one of several processes; the exit code that all end with goes into `ending`."""
    from .pytorch.epoch_adapter import EpochAdapter

    assert isinstance(adapter, EpochAdapter) and job.process is not None
    if job.process.rank:
        ending.code = adapter.follow()
    else:
        try:
            fit(adapter, job, callbacks, resume)
        except Interrupted:
            ending.code = _INTERRUPTED
        adapter.group.tell("end", ending.code)
    adapter.group.leave()


def _count_processes(arguments: argparse.Namespace, job: Job, module: AdapterModule) -> int | None:
    """How many processes train; None where this one does."""
    asked: int | None = arguments.processes
    is_distributed = getattr(module.Adapter, "is_distributed", False)
    if asked is None:
        # An adapter that is not may still use several GPUs, in one process.
        return job.gpus if job.gpus > 1 and is_distributed else None
    if asked < 1:
        raise AdapterError(
            f"--processes: {asked} cannot train", "leave --processes out, or give 2 or more"
        )
    if not is_distributed:
        raise AdapterError(
            "--processes: this adapter trains in one process", "leave --processes out"
        )
    if job.gpus and asked != job.gpus:
        raise AdapterError(
            f"--processes: {asked} cannot share {job.gpus} GPUs, each has one",
            "leave --processes out",
        )
    return asked


def _build_words(arguments: argparse.Namespace, folder: Path) -> list[str]:
    """The same command for one of several processes."""
    words = ["-m", "vtspec.adapters", "train", "--group", str(folder)]
    for name in ("plan", "workdir", "data", "run", "attempt", "weights", "seconds_left"):
        value = getattr(arguments, name)
        if value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return words + [f"--{name}" for name in ("smoke", "resume") if getattr(arguments, name)]


@contextlib.contextmanager
def _report_outcome(lines: JsonLinesCallbacks) -> Iterator[ExitStatus]:
    """Every ending into a line and an exit code, and all lines out before the process ends."""
    try:
        with _note_outcome() as ending:
            yield ending
        if ending.failed is not None:
            lines.emit("failed", **ending.failed)
    finally:
        lines.close()


@contextlib.contextmanager
def _note_outcome() -> Iterator[ExitStatus]:
    """Every ending as an exit code, and what is told of it."""
    ending = ExitStatus()
    try:
        yield ending
    except Interrupted:
        ending.code = _INTERRUPTED
    except AdapterError as error:
        cause = error.cause if isinstance(error, TrainingFailure) else None
        # What training met is no fault of what was asked for, though that can be changed.
        ending.code = 2 if cause is None else _FAILED
        told = {} if cause is None else {"cause": cause}
        ending.failed = {"message": str(error), "fix": error.fix, "traceback": None, **told}
    except Exception as error:
        refused = explain_system_error(error)
        ending.code = 2 if refused else 1
        message, fix = refused or (f"{type(error).__name__}: {error}", None)
        trace = None if refused else traceback.format_exc()
        ending.failed = {"message": message, "fix": fix, "traceback": trace}


@contextlib.contextmanager
def _handle_signals(command: str, lines: JsonLinesCallbacks) -> Iterator[None]:
    """SIGTERM, SIGINT and SIGHUP: training writes a checkpoint, predicting ends its line, the rest
    just leaves.

    Nothing is raised from the handler: it runs in the midst of anything, and whatever lock was
    being taken there would stay held.
    """

    def stop(_number: int, _frame: object) -> None:
        if command in ("evaluate", "export"):
            # Measuring and exporting leave nothing half-done that counts, and a framework may
            # hang in its own exit handlers.
            os._exit(_INTERRUPTED)
        lines.stop()

    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    # What the caller has set to be ignored (nohup) stays ignored.
    before = {n: signal.getsignal(n) for n in numbers if signal.getsignal(n) != signal.SIG_IGN}
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _train(
    adapter: TrainingAdapter, job: Job, lines: JsonLinesCallbacks, arguments: argparse.Namespace
) -> None:
    fit(adapter, job, lines, arguments.resume)


def _evaluate(
    adapter: TrainingAdapter, job: Job, lines: JsonLinesCallbacks, _arguments: argparse.Namespace
) -> None:
    adapter.prepare_model()
    adapter.prepare_dataset()
    epoch = _load_best(adapter, job)
    evaluation = adapter.evaluate(job.dataset.final_split)
    details = {"task": job.task.value, "split": evaluation.split, **evaluation.details}
    path = job.workdir / "evaluation.json"
    write_file_atomic(path, json.dumps(details, allow_nan=False) + "\n")
    lines.emit(
        "evaluated",
        split=evaluation.split,
        metrics=dict(evaluation.metrics),
        details_path=path.name,
        checkpoint_epoch=epoch,
    )


def _export(
    adapter: TrainingAdapter, job: Job, lines: JsonLinesCallbacks, _arguments: argparse.Namespace
) -> None:
    adapter.prepare_model()
    _load_best(adapter, job)
    for form, exported in export_into(adapter, job, "model").items():
        lines.emit(
            "exported",
            format=form,
            path=os.path.relpath(exported.path, job.workdir),
            max_difference=exported.max_difference,
        )


def export_into(adapter: TrainingAdapter, job: Job, name: str) -> dict[str, ExportedFile]:
    """Export into the folder `name` of the run, whole or not at all; an earlier one is replaced.

    Raises:
        AdapterError: a format that the adapter cannot write; the earlier folder stays.
    """
    home = job.workdir / name
    # A process that was killed could not remove its own; no other works in this folder.
    for left in job.workdir.glob(f".tmp-{name}-*"):
        shutil.rmtree(left)
    with stage_folder(home, replace=True) as hidden:
        written = adapter.export(job.export_formats, hidden)
        sync_folder(hidden)
    return {
        form: dataclasses.replace(exported, path=home / exported.path.relative_to(hidden))
        for form, exported in written.items()
    }


def _predict(
    adapter: TrainingAdapter, job: Job, lines: JsonLinesCallbacks, arguments: argparse.Namespace
) -> None:
    adapter.prepare_model()
    _load_best(adapter, job)
    for result in adapter.predict(_list_images(arguments)):
        lines.emit("prediction", result=_serialize_result(result))
        if lines.should_stop():
            raise SystemExit(_INTERRUPTED)


def _load_best(adapter: TrainingAdapter, job: Job) -> int:
    folder = job.workdir / "checkpoints"
    try:
        path = checkpoints.find_best(folder)
    except checkpoints.CorruptCheckpointError as damage:
        raise AdapterError(
            f"the best checkpoint cannot be used: {damage}", "train again in a new run"
        ) from damage
    if path is None:
        raise AdapterError(
            f"nothing was trained in {job.workdir} yet",
            f"see how it went: {format_command('vtspec', 'status', job.run)}",
        )
    epoch, _ = adapter.load_checkpoint(path)
    return epoch


def _list_images(arguments: argparse.Namespace) -> Iterable[Path]:
    if arguments.images_from is None:
        return arguments.images or ()
    if arguments.images_from.is_fifo():
        return chain(arguments.images or (), _iter_piped(arguments.images_from))
    try:
        listed = arguments.images_from.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AdapterError(
            f"--images-from: {error}", "give a text file with one path a line"
        ) from error
    return [*(arguments.images or ()), *(Path(line) for line in listed if line.strip())]


def _iter_piped(pipe: Path) -> Iterator[Path]:
    """The paths in a named pipe, as they come: one is read when it is asked about, and not
    before, so that whoever writes need not have all images there at once."""
    with open(pipe, "rb", buffering=0) as lines:
        while line := lines.readline():
            yield Path(os.fsdecode(line.rstrip(b"\n")))


def _serialize_result(result: InferenceResult) -> JsonObject:
    """The result as JSON data, without the fields of other tasks."""
    fields = dataclasses.asdict(result)
    fields["task_type"] = result.task_type.value
    return {name: value for name, value in fields.items() if value is not None}


def _load_plan(path: Path) -> JsonObject:
    try:
        plan = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise AdapterError(
            f"{path} is not a plan: {error}", "make one with `vtspec plan SPEC --output json`"
        ) from error
    if not isinstance(plan, dict) or plan.get("kind") != "Plan" or plan.get("v") != 1:
        raise AdapterError(
            f"{path} is not a plan of version 1",
            "use an image of the vtspec that made it, or plan with the image's version",
        )
    return plan


def _load_module(plan: JsonObject) -> AdapterModule:
    framework = plan.get("framework", {})
    module = load_adapter(str(framework.get("adapter")))
    if module.VERSION != framework.get("adapterVersion"):
        raise AdapterError(
            f"the plan is for version {framework.get('adapterVersion')} of adapter "
            f"'{framework.get('adapter')}', and this environment has {module.VERSION}",
            "plan again here, or use the environment that the plan was made for",
        )
    return module


def _prepare_job(arguments: argparse.Namespace, plan: JsonObject, module: AdapterModule) -> Job:
    job = build_job(
        plan,
        run=arguments.run,
        attempt=arguments.attempt,
        data_root=arguments.data or arguments.workdir / "data",
        workdir=arguments.workdir,
        weights=arguments.weights,
        smoke=arguments.smoke,
        seconds_left=getattr(arguments, "seconds_left", None),
    )
    if job.task not in module.TASKS:
        raise AdapterError(
            f"task: the adapter does not do {job.task.value}",
            f"take one of {', '.join(task.value for task in module.TASKS)}",
        )
    job = dataclasses.replace(job, params=resolve_params(job.params, module.PARAMS, job.task))
    if arguments.command != "train":
        # A checkpoint is loaded over them: nobody needs to have the start weights again.
        model = dataclasses.replace(job.model, pretrained=False, weights=None)
        job = dataclasses.replace(job, model=model, gpus=min(job.gpus, 1))
        if arguments.command != "export":
            return job
        # In float32, for which the step is given no GPU.
        training = dataclasses.replace(job.training, precision="fp32")
        return dataclasses.replace(job, training=training, gpus=0)
    if plan["model"]["weights"] and not job.model.pretrained and job.model.weights is None:
        raise AdapterError("the plan starts from weights, and none were given", "pass --weights")
    return job


_COMMANDS: Final[
    Mapping[str, Callable[[TrainingAdapter, Job, JsonLinesCallbacks, argparse.Namespace], None]]
] = {"train": _train, "evaluate": _evaluate, "export": _export, "predict": _predict}


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m vtspec.adapters", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in _COMMANDS:
        command = commands.add_parser(name)
        command.add_argument("--plan", type=Path, required=True, help="plan.json")
        command.add_argument("--workdir", type=Path, required=True, help="the run's folder")
        command.add_argument(
            "--data", type=Path, required=name in ("train", "evaluate"), help="the dataset's root"
        )
        command.add_argument("--run", required=True, help="the run's name")
        command.add_argument("--attempt", type=int, required=True)
        told = command.add_mutually_exclusive_group(required=True)
        told.add_argument("--events-fd", type=_parse_descriptor, help="where JSON lines go; open")
        command.add_argument("--weights", type=Path, help="start weights, .safetensors")
        command.add_argument("--smoke", action="store_true", help="one batch through every step")
        if name == "train":
            told.add_argument("--group", type=Path, help="the folder of one of several processes")
            command.add_argument(
                "--processes", type=int, help="how many train together; else one for each GPU"
            )
            command.add_argument("--resume", action="store_true", help="go on where it stopped")
            command.add_argument(
                "--seconds-left", type=float, help="what is left of the run's time limit"
            )
        if name == "predict":
            command.add_argument("--images", type=Path, nargs="+", help="images, in order")
            command.add_argument("--images-from", type=Path, help="a file with a path a line")
    return parser


def _parse_descriptor(text: str) -> int:
    try:
        os.fstat(int(text))
    except (ValueError, OSError) as error:
        raise argparse.ArgumentTypeError(f"'{text}' is no open file descriptor") from error
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
