"""`vtspec datasets`: inspect data, convert and divide it, add it as a dataset."""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vtspec.adapters.shell_command import format_command
from vtspec.cli.completion import complete_dataset
from vtspec.cli.terminal import get_styled_stream
from vtspec.schema.kinds.tasks import TASKS
from vtspec.schema.visible_text import make_visible

if TYPE_CHECKING:
    from vtspec.pipelines.data.conversion.convert import Conversion
    from vtspec.pipelines.data.conversion.omissions import Omission
    from vtspec.pipelines.data.inspection.inspect import Inspection, Progress
    from vtspec.pipelines.data.refresh import SpecChange
    from vtspec.pipelines.operations.datasets import WrittenDataset
    from vtspec.pipelines.operations.specs import ListedDataset
    from vtspec.pipelines.project.repository import Repository

FOLDER = click.Path(path_type=Path)


@click.group("datasets")
def command() -> None:
    """List datasets; inspect and convert data, add it as a dataset, keep that up to date."""


@command.command("list")
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
def list_command(output: str) -> None:
    """List the datasets: what is in each, where its data lies, which experiments use it.

    One whose file has errors is listed too. Other commands take a dataset by the name shown here.
    """
    from vtspec.pipelines.operations.specs import list_datasets
    from vtspec.pipelines.project.repository import find_repository

    repository = find_repository(Path.cwd())
    found = list_datasets(repository)
    if output == "json":
        rows = [serialize_dataset(one, repository) for one in found]
        click.echo(json.dumps({"datasets": rows}, indent=2, ensure_ascii=False))
        return
    print_datasets(found, repository)


def print_datasets(found: "Sequence[ListedDataset]", repository: "Repository") -> None:
    """Print a table of the datasets."""
    from vtspec.cli.views.styled_text import get_table_width, print_lines
    from vtspec.cli.views.table import format_table

    if not found:
        folder = repository.format_path(repository.specs / "datasets")
        click.echo(f"no datasets in {folder} yet; add one: vtspec datasets add FOLDER --name NAME")
        return
    heads = ("dataset", "images", "classes", "size", "format", "experiments", "data", "file")
    rows = [_format_dataset(one, repository) for one in found]
    print_lines(format_table(heads, rows, width=get_table_width(sys.stdout)))


def _format_dataset(one: "ListedDataset", repository: "Repository") -> tuple[str, ...]:
    from vtspec.pipelines.formatting import format_size

    file, facts = repository.format_path(one.file), one.facts
    used = str(len(one.experiments) or "")
    if facts is None:
        fix = format_command("vtspec", "validate", file)
        return (one.name, "", "", "", "has errors", used, fix, file)
    size = (facts.statistics or {}).get("bytes")
    images = facts.images
    place = facts.path or "in another repository"
    return (
        one.name,
        "" if images is None else f"{images:,}",
        str(len(facts.classes) or ""),
        "" if size is None else format_size(size),
        facts.format,
        used,
        place if one.is_here or facts.path is None else f"{place} (not here)",
        file,
    )


def serialize_dataset(one: "ListedDataset", repository: "Repository") -> dict[str, object]:
    """A dataset as plain data, for `--output json`."""
    facts = one.facts
    return {
        "name": one.name,
        "file": repository.format_path(one.file),
        "sound": facts is not None,
        "experiments": list(one.experiments),
        "tasks": None if facts is None else list(facts.tasks),
        "format": None if facts is None else facts.format,
        "classes": None if facts is None else list(facts.classes),
        "statistics": None if facts is None else facts.statistics,
        "path": None if facts is None else facts.path,
        "isHere": one.is_here,
    }


@command.command("inspect")
@click.argument("path", metavar="PATH|NAME", type=FOLDER, shell_complete=complete_dataset)
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write a page with pictures to this file.",
)
@click.option(
    "--fast", is_flag=True, help="Read labels and headers of images alone; says what it left out."
)
def inspect_command(path: Path, output: str, html: Path | None, fast: bool) -> None:
    """Say what lies in the folder PATH: format, classes, counts, sizes, and what is wrong.

    NAME is a dataset, whose data is looked at. Every image is decoded, but with --fast. Exit code
    2 where there are errors, 0 where there are none.
    """
    from vtspec.cli.run_arguments import require_folder
    from vtspec.pipelines.operations.datasets import find_data

    require_folder(html)
    inspection = _inspect(find_data(path, Path.cwd()), is_fast=fast)
    if html is not None:
        from vtspec.adapters.durable_files import write_file_atomic
        from vtspec.pipelines.data.inspection.html_page import render_page

        # A name that is no Unicode is shown as a number.
        write_file_atomic(html, render_page(inspection).encode("utf-8", "xmlcharrefreplace"))
    if output == "json":
        click.echo(json.dumps(inspection.to_json(), indent=2))
    else:
        _print_inspection(inspection)
        if html is not None:
            click.echo(f"pictures: {html}")
    if inspection.errors:
        raise click.exceptions.Exit(2)


def _validate_name(_ctx: click.Context, _param: click.Parameter, name: str) -> str:
    from vtspec.pipelines.project.spec_names import is_name, make_name

    if is_name(name):
        return name
    close = make_name(name, otherwise="")
    # Of a name in another script nothing is left that could be suggested.
    fix = f"--name {close}" if close else "spell it in a to z, 0 to 9 and '-': --name cats"
    raise click.BadParameter(
        f"must be a DNS label of at most 40 characters, got '{name}'\n  fix: {fix}"
    )


@command.command("add")
@click.argument("path", type=FOLDER)
@click.option(
    "--name", required=True, callback=_validate_name, help="Name of the dataset: a DNS label."
)
@click.option(
    "--task",
    "tasks",
    multiple=True,
    type=click.Choice(TASKS),
    metavar="TASK",
    help="What its labels can train, where the format does not tell; may be repeated.",
)
@click.option("--description", help="What is in it and where it is from.")
@click.option("--license", help="SPDX identifier of the data's licence.")
@click.option("--remote", help="DVC remote that the data is fetched from.")
def add_command(path: Path, name: str, tasks: tuple[str, ...], **notes: str | None) -> None:
    """Let DVC track the folder PATH, and write specs/datasets/NAME.yaml.

    Data outside the repository stays where it is: the spec refers to it and pins its content, and
    it is neither copied nor versioned. The data is inspected first, and refused where it has
    errors. Nothing is uploaded: that is `dvc push`.
    """
    from vtspec.pipelines.data.register import DatasetOptions
    from vtspec.pipelines.operations.datasets import InspectionCallbacks, add_dataset
    from vtspec.pipelines.project.repository import find_repository

    repository = find_repository(Path.cwd())
    wish = DatasetOptions(name=name, tasks=tasks, **notes)
    with _show_progress() as progress:
        callbacks = InspectionCallbacks(progress=progress, on_inspected=_print_inspection)
        added = add_dataset(path, wish, repository, callbacks)
    if added is None:
        raise click.exceptions.Exit(2)
    spec = repository.format_path(added.spec)
    if added.by_reference:
        click.echo(f"\nadded {name}: {spec} ({added.hash})")
        click.echo(
            f"the data stays in {path.resolve()}, and is not versioned: only where it lies there, "
            "as it is now, can what uses it be run"
        )
    else:
        pin = repository.format_path(added.files[1])
        click.echo(f"\nadded {name}: {spec} ({added.hash} in {pin})")
    _print_next(added, repository)


@command.command("update")
@click.argument("name", shell_complete=complete_dataset)
def update_command(name: str) -> None:
    """Look at the data of dataset NAME anew: counts, classes, splits and hash in its spec.

    What people wrote there stays: description, licence, tasks, comments. Experiments on the data
    become other plans with it. Exit code 2 where the data has errors; nothing is changed then.
    """
    from vtspec.pipelines.operations.datasets import InspectionCallbacks, update_dataset
    from vtspec.pipelines.project.repository import find_repository

    repository = find_repository(Path.cwd())
    with _show_progress() as progress:
        callbacks = InspectionCallbacks(progress=progress, on_inspected=_print_inspection)
        updated = update_dataset(name, repository, callbacks)
    if updated is None:
        raise click.exceptions.Exit(2)
    spec = repository.format_path(updated.spec)
    if not updated.changes:
        click.echo(f"\n{spec} says so already: nothing has changed")
        return
    click.echo(f"\nupdated {name}: {spec}")
    _print_changes(updated.changes)
    _print_next(updated, repository)


def _print_changes(changes: "Sequence[SpecChange]") -> None:
    for change in changes[:30]:
        match change.before, change.after:
            case list(old), list(new):
                gone = [f"-{name}" for name in old if name not in new]
                moved = [f"+{name}" for name in new if name not in old] + gone
                words = ", ".join(moved) or f"{', '.join(old)} → {', '.join(new)}"
            case old, new:
                words = " → ".join(
                    "none" if one is None else _format_value(one) for one in (old, new)
                )
        click.echo(make_visible(f"  {change.path}: {words}"))
    if len(changes) > 30:
        click.echo(f"  and {len(changes) - 30:,} more")


def _format_value(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _print_next(written: "WrittenDataset", repository: "Repository") -> None:
    files = [repository.format_path(file) for file in written.files]
    stage = format_command("git", "add", "--", *files)
    named = () if written.remote is None else ("-r", written.remote)
    push = f" && {format_command('dvc', 'push', *named)}" if written.has_remote else ""
    click.echo(f"next: {stage} && git commit{push}")
    if written.by_dvc and not written.has_remote:
        from vtspec.pipelines.data.dvc_cli import ADD_REMOTE

        click.echo(f"no DVC remote is set: for others to have the data, {ADD_REMOTE} && dvc push")


@command.command("split")
@click.argument("path", metavar="PATH|NAME", type=FOLDER, shell_complete=complete_dataset)
@click.argument("target", type=FOLDER)
@click.option("--shares", default="80/10/10", show_default=True, help="train/val, or with test.")
@click.option(
    "--group-by",
    metavar="folder|PATTERN",
    help="Keep together images of one folder, or whose paths have the same match of a regular "
    "expression (of its groups): --group-by '(video[0-9]+)'.",
)
@click.option(
    "--group-field", metavar="NAME", help="Keep together rows with one value in a table's column."
)
@click.option(
    "--ignore-near-duplicates",
    "joins_near",
    flag_value=False,
    default=True,
    help="Keep only images with the very same pixels together.",
)
@click.option("--resplit", "resplits", is_flag=True, help="Divide anew what is split already.")
@click.option(
    "--skip-broken", "skips_broken", is_flag=True, help="Leave out images that cannot be read."
)
def split_command(path: Path, target: Path, shares: str, **wish: Any) -> None:
    """Copy the data in PATH to TARGET, in its own format, divided into train, val and test.

    PATH may lie anywhere, and NAME is a dataset; TARGET in the repository, such as data/cats, can
    then be added. The division depends on the data alone, so it is the same everywhere. Each class
    is divided alike; images that are the same or nearly the same stay in one split, as groups do.
    """
    from vtspec.pipelines.data.dataset_split import SplitOptions
    from vtspec.pipelines.formatting import pluralize
    from vtspec.pipelines.operations.datasets import find_data, split_data
    from vtspec.pipelines.project.spec_names import make_name

    options = SplitOptions(shares=_parse_shares(shares), **wish)
    with _show_progress() as progress:
        done = split_data(find_data(path, Path.cwd()), target, options, progress)
    for split, count in done.images.items():
        click.echo(f"{split:<6}{count:>8,} image{'s' * (count != 1)}")
    if done.groups:
        click.echo(
            f"kept together: {pluralize(sum(done.groups), 'image')} in "
            f"{pluralize(len(done.groups), 'group')}, the largest of {done.groups[0]:,}"
        )
    _print_left_out(done.left_out)
    _print_omissions(done.omissions)
    name = make_name(target.resolve().name, otherwise="NAME")
    add = format_command("vtspec", "datasets", "add", target, "--name", name)
    click.echo(f"next: {add}")


def _parse_shares(text: str) -> dict[str, float]:
    # `float` alone would take `nan`, `inf` and `1_0`.
    found = [float(part) for part in text.split("/") if re.fullmatch(r"[0-9]+(\.[0-9]+)?", part)]
    if len(found) != text.count("/") + 1 or len(found) not in (2, 3) or min(found) <= 0:
        raise click.BadParameter(
            f"must be two or three numbers, got '{text}'\n  fix: --shares 80/10/10",
            param_hint="--shares",
        )
    return dict(zip(("train", "val", "test"), found, strict=False))


@command.command("convert")
@click.argument("source", metavar="PATH|NAME", type=FOLDER, shell_complete=complete_dataset)
@click.argument("target", type=FOLDER)
@click.option(
    "--to",
    required=True,
    type=click.Choice(["coco", "yolo", "voc", "masks", "imagefolder", "csv", "jsonl"]),
    help="The format to write.",
)
@click.option(
    "--task",
    type=click.Choice(
        ["object-detection", "oriented-detection", "instance-segmentation", "pose-estimation"]
    ),
    help="What each row of yolo has; by default what needs most of the labels.",
)
@click.option(
    "--images",
    type=click.Choice(["copy", "none"]),
    default="copy",
    show_default=True,
    help="Whether images are copied beside their labels.",
)
@click.option(
    "--skip-broken", "skips_broken", is_flag=True, help="Leave out images that cannot be read."
)
@click.option("--no-check", is_flag=True, help="Do not read again what was written.")
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
def convert_command(source: Path, target: Path, no_check: bool, output: str, **wish: Any) -> None:
    """Write the data of PATH, or of the dataset NAME, to the folder TARGET in another format.

    Images without labels are kept. What the format cannot say is counted and told, and what was
    written is read again and held against the source, object by object. Data that inspection
    refuses is not converted, but that --skip-broken leaves broken images out, and names them; PATH
    stays as it is.
    """
    from vtspec.pipelines.data.conversion.convert import ConversionOptions
    from vtspec.pipelines.operations.datasets import convert_data, find_data

    options = ConversionOptions(is_checked=not no_check, **wish)
    with _show_progress() as progress:
        done = convert_data(find_data(source, Path.cwd()), target, options, progress)
    if output == "json":
        click.echo(json.dumps(done.to_json(), indent=2))
        return
    _print_conversion(done, options.task)


def _print_conversion(done: "Conversion", task: str | None) -> None:
    from vtspec.pipelines.data.conversion.fidelity import format_fidelity
    from vtspec.pipelines.formatting import pluralize
    from vtspec.pipelines.project.spec_names import make_name

    click.echo(f"{done.source}: {done.from_format}, written as {done.to_format} in {done.target}")
    for split, count in done.images.items():
        click.echo(f"{split:<6}{count:>8,} image{'s' * (count != 1)}")
    _print_left_out(done.left_out)
    if done.fidelity is not None:
        click.echo("came back: " + "; ".join(format_fidelity(done.fidelity)))
    _print_omissions(done.omissions)
    click.echo(f"\n{pluralize(len(done.omissions), 'thing')} not as it was")
    name = make_name(done.target.resolve().name, otherwise="NAME")
    words = ("vtspec", "datasets", "add", done.target, "--name", name)
    named = ("--task", done.task) if done.task and done.tasks != (done.task,) else ()
    click.echo(f"next: {format_command(*words, *named)}")


def _print_omissions(omissions: "Sequence[Omission]") -> None:
    for one in omissions:
        click.echo(f"\nnot as it was: {one.message}")
        for place in one.places:
            click.echo(f"    {make_visible(place)}")
        if one.count > len(one.places):
            click.echo("    …")


def _print_left_out(faults: "Mapping[str, str]") -> None:
    """How many images were left out as broken, and each of them, with why."""
    from vtspec.pipelines.formatting import pluralize

    if faults:
        click.echo(f"left out {pluralize(len(faults), 'image')} that cannot be read", err=True)
    for image, fault in sorted(faults.items()):
        click.echo(make_visible(f"left out {image}: {fault}"), err=True)


def _inspect(path: Path, *, is_fast: bool = False) -> "Inspection":
    from vtspec.pipelines.operations.datasets import inspect_data

    with _show_progress() as progress:
        return inspect_data(path, progress, is_fast=is_fast)


@contextmanager
def _show_progress() -> "Iterator[Progress]":
    """A bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda done, of: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    console = Console(file=get_styled_stream(sys.stderr))
    with Bar(console=console, transient=True) as bar:
        task = bar.add_task("images", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _print_inspection(inspection: "Inspection") -> None:
    from vtspec.pipelines.formatting import format_size, pluralize

    layout = inspection.layout
    click.echo(f"{inspection.path}: {layout.format}, as {make_visible(layout.why)}")
    click.echo(f"tasks    {', '.join(layout.tasks)}")
    click.echo(f"files    {inspection.files:,}, {format_size(inspection.bytes)}")
    unknown = (
        "not computed, as --fast reads no pixels" if inspection.is_fast else "none, see below"
    )
    click.echo(f"hash     contentHash: {inspection.content_hash or unknown}")
    click.echo(f"sizes    {_format_top_counts(inspection.count_sizes())}")
    _print_buckets(inspection)
    modes = inspection.count_modes()
    # Few there are, and the odd one is what a person looks for.
    click.echo(f"modes    {_format_top_counts(modes, len(modes))}\n")
    _print_counts(inspection)
    for finding in inspection.findings:
        message = make_visible(finding.message)
        click.echo(f"\n{finding.severity}: {message} [{finding.check}]")
        for file in finding.files[:3]:
            click.echo(f"    {make_visible(file)}")
        if len(finding.files) > 3:
            click.echo(f"    and {len(finding.files) - 3:,} more (--output json has all)")
        click.echo(f"  fix: {finding.fix}")
    click.echo()
    _print_checks(inspection)
    errors = len(inspection.errors)
    warnings = len(inspection.findings) - errors
    click.echo(f"\n{pluralize(errors, 'error')}, {pluralize(warnings, 'warning')}")


def _print_buckets(inspection: "Inspection") -> None:
    """How large images are where they differ, and objects where they have a place."""
    from vtspec.pipelines.data.inspection.size_buckets import OBJECT_SIZES

    sides = inspection.count_sides()
    if len(sides) > 1:
        found = [(f"up to {side:,} px", count) for side, count in sides]
        click.echo(f"sides    {_format_top_counts(found, len(found))}")
    counts = [inspection.count_object_sizes(split) for split in inspection.layout.splits]
    sizes = {name: sum(split[name] for split in counts if split) for name in OBJECT_SIZES}
    if any(counts):
        click.echo(f"objects  {_format_top_counts([*sizes.items()])}; small is below 32² px")


def _print_checks(inspection: "Inspection") -> None:
    """The names of all checks, by what became of them."""
    from vtspec.cli.views.styled_text import format_paragraph, get_terminal_width, print_lines

    width = get_terminal_width(sys.stdout)
    by_state: dict[tuple[str, str | None], list[str]] = {}
    for check in inspection.checks:
        by_state.setdefault((check.state, check.reason), []).append(check.name)
    for (state, reason), names in by_state.items():
        words = "not checked" if state == "skipped" else state
        why = f" ({reason})" if reason else ""
        print_lines(format_paragraph(f"{', '.join(names)}{why}", width, mark=f"{words:<13}"))


def _print_counts(inspection: "Inspection") -> None:
    from vtspec.cli.views.styled_text import get_table_width, print_lines
    from vtspec.cli.views.table import format_table
    from vtspec.pipelines.formatting import format_share, pluralize

    splits = list(inspection.layout.splits)
    counts = {split: inspection.count_per_class(split) for split in splits}
    shares = inspection.compute_pixel_shares()
    rows = [
        [
            make_visible(name),
            *(f"{counts[split][name]:,}" for split in splits),
            *([format_share(shares[name], 1)] if shares else []),
        ]
        for name in inspection.layout.classes
        if all(counts.values())
    ]
    shown = rows[:30]
    images = ["images", *(f"{inspection.count_readable(split):,}" for split in splits)]
    heads = ["class", *splits]
    if shares:
        images.append("")
        heads.append("of all pixels")
    print_lines(
        format_table(heads, [*shown, images], width=get_table_width(sys.stdout), right=True)
    )
    if len(rows) > len(shown):
        more = pluralize(len(rows) - len(shown), "more class", "more classes")
        click.echo(f"and {more} (--output json has all)")


def _format_top_counts(counts: "list[tuple[str, int]]", most: int = 4) -> str:
    shown = ", ".join(f"{name} ({count:,})" for name, count in counts[:most])
    left = len(counts) - most
    return shown + (f" and {left:,} more (--output json has all)" if left > 0 else "")
