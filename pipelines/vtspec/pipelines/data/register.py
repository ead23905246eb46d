"""Make a folder of data a dataset: a spec describes it, and DVC tracks what lies in the
repository. All of it, or nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vtspec.adapters.durable_files import write_file_atomic, write_new_file
from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.data.formats.file_tree import refuse_no_folder
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
    file. `data` is a whole path where the data lies outside and stays there: `by_reference`."""

    root: Path
    data: str
    spec: Path

    @property
    def by_reference(self) -> bool:
        """Whether the data is no part of the repository."""
        return self.data.startswith("/")


def resolve_destination(root: Path, specs: Path, path: Path, name: str) -> Destination:
    """Where data at `path` and a spec called `name` belong; looks before anything is done.

    Links that lead to the data are followed here, once: the spec says where it really lies. Raises
    `Permanent`, with what to type, where that is no folder or no place of its own, the spec is
    there already, or DVC is to track the data and the repository has none.
    """
    refuse_no_folder(path)
    base, whole = root.resolve(), path.resolve()
    spec = specs / "datasets" / f"{name}.yaml"
    if base.is_relative_to(whole):
        raise Permanent(
            f"{path} holds the repository {root}",
            fix="name a folder that holds the data and nothing else",
        )
    if spec.exists():
        update = format_command("vtspec", "datasets", "update", name)
        raise Permanent(f"{spec} exists already", fix=f"{update}, or take another --name")
    if not whole.is_relative_to(base):
        return Destination(root=root, data=whole.as_posix(), spec=spec)
    # DVC's root may lie above this repository's, in a larger one.
    if not any((folder / ".dvc").is_dir() for folder in (base, *base.parents)):
        raise Permanent(f"{root} is not a DVC repository", fix="git init && dvc init")
    return Destination(root=root, data=whole.relative_to(base).as_posix(), spec=spec)


def add_dataset(
    inspection: Inspection, wish: DatasetOptions, where: Destination
) -> Pointer | None:
    """Write the spec, and let DVC track the data; returns what DVC pinned.

    Data that DVC tracks already, as it is, is left to it; of data that lies outside the spec alone
    pins the content, and None is returned. Raises `Permanent` where the inspection found errors,
    the format cannot carry a task, or DVC refuses; the repository is then as before.
    """
    refuse_unsound(inspection, where.data)
    if where.by_reference and wish.remote is not None:
        raise Permanent(
            f"{where.data} lies outside the repository, where DVC does not track it",
            fix="leave --remote out, or copy the data into the repository and add that",
        )
    text = _build_spec_text(inspection, wish, where)
    with undo_on_failure(where.root, where.data):
        pointer = None
        if not where.by_reference:
            pointer = track_data(where.root, where.data, inspection.content_hash)
        try:
            write_new_file(where.spec, text)
        except FileExistsError as error:
            raise Permanent(f"{where.spec} exists already", fix="take another --name") from error
    return pointer


def refuse_unsound(inspection: Inspection, data: str) -> None:
    """Raises `Permanent` with the first of the errors where there are any."""
    if inspection.errors:
        raise Permanent(
            f"{data} cannot be added: {inspection.errors[0].message}",
            fix=f"{inspection.errors[0].fix}; all errors: "
            + format_command("vtspec", "datasets", "inspect", data),
        )


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
        content = inspection.content_hash if where.by_reference else None
        notes = {**vars(wish), "content_hash": content}
        model = build_dataset(inspection, wish.name, where.data, notes)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(part) for part in first["loc"])
        raise Permanent(
            f"{where.data} does not fit a spec: {at}: {first['msg']}, got {first['input']!r:.80}",
            fix="rename it, or leave it out",
        ) from error
    return format_spec(model, where.spec, where.root)


def track_data(root: Path, data: str, content: str | None) -> Pointer:
    """Let DVC pin what lies at `data`, whose hash is `content`; nothing where it does already.

    Raises `Permanent` where a stage makes something else, or DVC leaves files out.
    """
    known = find_pointer(root, data)
    # What a stage makes is pinned by its lock; `dvc add` would pin it twice.
    if known is None or (known.hash != content and not known.file.endswith("dvc.lock")):
        run_dvc(root, ["add", "--", data])
        known = load_pointer(root, data)
    if known.hash == content:
        return known
    if known.file.endswith("dvc.lock"):
        raise Permanent(
            f"{data} is not what {known.file} pins: {content}, not {known.hash}",
            fix=f"{format_command('dvc', 'repro', data)}    (makes it anew), or: "
            + format_command("dvc", "commit", data),
        )
    raise Permanent(
        f"DVC leaves files of {data} out ({known.hash}, not {content})",
        fix="delete those files, or take their pattern out of .dvcignore",
    )


@contextmanager
def undo_on_failure(root: Path, data: str) -> Iterator[None]:
    """What DVC writes beside the data is put back as it was where anything fails, Ctrl-C too."""
    place = root / data
    # A failed attempt would otherwise leave data that is tracked and has no spec. Beside data
    # that lies outside nothing is written.
    beside = (place.with_name(f"{place.name}.dvc"), place.with_name(".gitignore"))
    files = () if data.startswith("/") else beside
    before = {file: file.read_bytes() if file.exists() else None for file in files}
    try:
        yield
    except BaseException:
        for file, content in before.items():
            if content is None:
                file.unlink(missing_ok=True)
            # Whole or not at all: written in place, a full disk would leave an empty one.
            elif not file.exists() or file.read_bytes() != content:
                write_file_atomic(file, content)
        raise
