"""Make a folder of data a dataset: DVC tracks it, a spec describes it. All of it, or nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vtspec.adapters.durable_files import write_new_file
from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.data.inspection.dataset_spec import build_dataset
from vtspec.pipelines.data.inspection.inspect import Inspection
from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.project.spec_writer import format_spec
from vtspec.schema.kinds.tasks import FORMATS_OF_TASK

from .dvc_cli import run_dvc
from .dvc_files import Pointer, find_pointer, load_pointer


@dataclass(frozen=True, kw_only=True)
class DatasetOptions:
    """What a person says of the data beside where it lies; no tasks: those that the format has."""

    name: str
    tasks: tuple[str, ...] = ()
    description: str | None = None
    license: str | None = None
    remote: str | None = None


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where the dataset goes: the repository's root, the path of the data from there, the spec's
    file."""

    root: Path
    data: str
    spec: Path


def resolve_destination(root: Path, specs: Path, path: Path, name: str) -> Destination:
    """Where data at `path` and a spec called `name` belong; looks before anything is done.

    Raises `Permanent`, with what to type, where the data lies outside of `root`, the spec is
    there already, or the repository has no DVC.
    """
    base, whole = root.resolve(), path.resolve()
    spec = specs / "datasets" / f"{name}.yaml"
    if not whole.is_relative_to(base) or whole == base:
        raise Permanent(
            f"{path} does not lie inside the repository {root}",
            fix=f"{format_command('cp', '-rL', '--', path, root / 'data' / name)}, and add that",
        )
    if spec.exists():
        remove = format_command("rm", "--", spec)
        raise Permanent(f"{spec} exists already", fix=f"take another --name, or {remove}")
    # DVC's root may lie above this repository's, in a larger one.
    if not any((folder / ".dvc").is_dir() for folder in (base, *base.parents)):
        raise Permanent(f"{root} is not a DVC repository", fix="git init && dvc init")
    return Destination(root=root, data=whole.relative_to(base).as_posix(), spec=spec)


def add_dataset(inspection: Inspection, wish: DatasetOptions, where: Destination) -> Pointer:
    """Let DVC track the data, and write the spec; returns what DVC pinned.

    Data that DVC tracks already, as it is, is left to it. Raises `Permanent` where the inspection
    found errors, the format cannot carry a task, or DVC refuses; the repository is then as before.
    """
    if inspection.errors:
        raise Permanent(
            f"{where.data} cannot be added: {inspection.errors[0].message}",
            fix=f"{inspection.errors[0].fix}; all errors: "
            + format_command("vtspec", "datasets", "inspect", where.data),
        )
    text = _build_spec_text(inspection, wish, where)
    with _undo_on_failure(where):
        pointer = _track_data(where, inspection.content_hash)
        try:
            write_new_file(where.spec, text)
        except FileExistsError as error:
            raise Permanent(f"{where.spec} exists already", fix="take another --name") from error
    return pointer


def _build_spec_text(inspection: Inspection, wish: DatasetOptions, where: Destination) -> str:
    from pydantic import ValidationError

    layout = inspection.layout
    for task in wish.tasks:
        # What labels there are the format decides, not a person's wish.
        if layout.format not in FORMATS_OF_TASK.get(task, ()):
            raise Permanent(
                f"data in format {layout.format} cannot carry the labels of {task}",
                fix=f"leave --task out: {', '.join(layout.tasks)}",
            )
    try:
        model = build_dataset(inspection, wish.name, where.data, vars(wish))
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(part) for part in first["loc"])
        raise Permanent(
            f"{where.data} does not fit a spec: {at}: {first['msg']}, got {first['input']!r:.80}",
            fix="rename it, or leave it out",
        ) from error
    return format_spec(model, where.spec, where.root)


def _track_data(where: Destination, content: str | None) -> Pointer:
    known = find_pointer(where.root, where.data)
    # What a stage makes is pinned by its lock; `dvc add` would pin it twice.
    if known is None or (known.hash != content and not known.file.endswith("dvc.lock")):
        run_dvc(where.root, ["add", "--", where.data])
        known = load_pointer(where.root, where.data)
    if known.hash == content:
        return known
    if known.file.endswith("dvc.lock"):
        raise Permanent(
            f"{where.data} is not what {known.file} pins: {content}, not {known.hash}",
            fix=f"{format_command('dvc', 'repro', where.data)}    (makes it anew), or: "
            + format_command("dvc", "commit", where.data),
        )
    raise Permanent(
        f"DVC leaves files of {where.data} out ({known.hash}, not {content})",
        fix="delete those files, or take their pattern out of .dvcignore",
    )


@contextmanager
def _undo_on_failure(where: Destination) -> Iterator[None]:
    """What DVC writes beside the data is put back as it was where anything fails, Ctrl-C too."""
    data = where.root / where.data
    # A failed attempt would otherwise leave data that is tracked and has no spec.
    files = (data.with_name(f"{data.name}.dvc"), data.with_name(".gitignore"))
    before = {file: file.read_bytes() if file.exists() else None for file in files}
    try:
        yield
    except BaseException:
        for file, content in before.items():
            if content is None:
                file.unlink(missing_ok=True)
            else:
                file.write_bytes(content)
        raise
