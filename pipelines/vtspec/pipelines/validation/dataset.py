"""The dataset that an experiment refers to, and what it asks of it."""

import posixpath
from collections.abc import Iterator, Mapping

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.catalog import Framework
from vtspec.pipelines.formatting import pluralize
from vtspec.pipelines.project.dataset_facts import DatasetFacts
from vtspec.schema.kinds.rules import check_class_weights
from vtspec.schema.problem import Problem
from vtspec.schema.suggestions import format_choices, suggest_fix

from .spec_view import SpecView


def check_data(subject: SpecView, framework: Framework | None) -> Iterator[Problem]:
    """What is wrong with `dataset`, and with what the training says of classes and batches."""
    ref = subject.get_text("dataset", "ref")
    if ref is None:
        return
    if ref not in subject.repository.datasets:
        otherwise = f"add it with 'vtspec datasets add PATH --name {ref}'"
        fix = suggest_fix(ref, subject.repository.datasets, otherwise)
        yield subject.make_problem(("dataset", "ref"), f"there is no dataset '{ref}'", fix)
        return
    dataset = subject.dataset
    if dataset is None:
        yield from _check_file(subject, ref)
        return
    yield from _check_runs_apart(subject, dataset)
    yield from _check_task(subject, dataset)
    yield from _check_format(subject, dataset, framework)
    yield from _check_image_kind(subject, dataset, framework)
    yield from _check_keypoints(subject, dataset)
    yield from _check_classes(subject, dataset)
    yield from _check_class_count(subject, dataset)
    yield from _check_train_classes(subject, dataset)
    yield from _check_class_weights(subject, dataset)
    yield from _check_batch_size(subject, dataset)


def _check_file(subject: SpecView, ref: str) -> Iterator[Problem]:
    """A dataset whose own file has errors; one in hand tells them itself."""
    claims = subject.repository.find_claims("Dataset", ref)
    if not claims or claims[0].given is not None or claims[0].path is None:
        return
    file = subject.repository.format_path(claims[0].path)
    fix = format_command("vtspec", "validate", file)
    message = f"the file of the dataset '{ref}' has errors"
    yield subject.make_problem(("dataset", "ref"), message, fix)


def _check_keypoints(subject: SpecView, dataset: DatasetFacts) -> Iterator[Problem]:
    """A network for poses has a place for each point, which the dataset's own file names."""
    if subject.task != "pose-estimation" or subject.task not in dataset.tasks:
        return
    if not dataset.keypoints:
        message = f"the dataset '{dataset.name}' does not name its keypoints"
        fix = f"add 'keypoints: [left-eye, right-eye, …]' to the file of '{dataset.name}'"
        yield subject.make_problem(("dataset", "ref"), message, fix)


def _check_runs_apart(subject: SpecView, dataset: DatasetFacts) -> Iterator[Problem]:
    """Runs that are written into the data would be data, and give it another hash."""
    repository = subject.repository
    if dataset.path is None:
        return
    data = posixpath.normpath((repository.root / dataset.path).as_posix())
    runs = posixpath.normpath((repository.root / repository.runs).as_posix())
    if posixpath.commonpath([data, runs]) not in (data, runs):
        return
    message = f"the data of '{dataset.name}' ({dataset.path}) and the runs lie in one another"
    fix = "give the runs a folder of their own: 'runs: runs' in vtspec.yaml, or --runs runs"
    yield subject.make_problem(("dataset", "ref"), message, fix)


def _check_task(subject: SpecView, dataset: DatasetFacts) -> Iterator[Problem]:
    task = subject.task
    if task is not None and task not in dataset.tasks:
        name, tasks = dataset.name, dataset.tasks
        message = f"the dataset '{name}' has no labels for {task}"
        fix = f"set task to {format_choices(tasks)}, or name another dataset"
        yield subject.make_problem(("dataset", "ref"), message, fix)


def _check_format(
    subject: SpecView, dataset: DatasetFacts, framework: Framework | None
) -> Iterator[Problem]:
    if framework is None or dataset.format in framework.formats:
        return
    # Of a task that the framework does not do that is told; no conversion would mend it.
    if subject.task is not None and subject.task not in framework.tasks:
        return
    message = f"{framework.name} does not read the format of '{dataset.name}', {dataset.format}"
    fix = (
        f"convert the dataset to {format_choices(framework.formats)}, or choose another framework"
    )
    yield subject.make_problem(("dataset", "ref"), message, fix)


def _check_image_kind(
    subject: SpecView, dataset: DatasetFacts, framework: Framework | None
) -> Iterator[Problem]:
    if framework is None or not framework.reads or dataset.format not in framework.formats:
        return
    found = subject.repository.find_other_image(dataset, framework.reads)
    if found is None:
        return
    kinds = " and ".join(framework.reads).upper()
    yield subject.make_problem(
        ("dataset", "ref"),
        f"cannot be trained here: {framework.name} reads {kinds} files alone, and {found} is none",
        "use a model of timm: vtspec models search --framework timm",
        # What the data is now is not what the spec says, nor the same on every machine.
        severity="warning",
    )


def _check_classes(subject: SpecView, dataset: DatasetFacts) -> Iterator[Problem]:
    # Of a thousand classes used, each would be looked for in a list of a thousand.
    known = frozenset(dataset.classes)
    for index, name in subject.get_texts("dataset", "classes"):
        if name not in known:
            message = f"'{name}' is no class of the dataset '{dataset.name}'"
            fix = suggest_fix(name, dataset.classes)
            yield subject.make_problem(("dataset", "classes", index), message, fix)


def _check_class_count(subject: SpecView, dataset: DatasetFacts) -> Iterator[Problem]:
    if subject.task != "image-classification" or len(subject.classes) != 1:
        return
    (only,) = subject.classes
    own = subject.get_value("dataset", "classes") is not None
    others = [name for name in dataset.classes if name != only]
    yield subject.make_problem(
        ("dataset", "classes" if own else "ref"),
        f"there is one class, '{only}': nothing to tell apart",
        f"name another class beside it, {format_choices(others)}"
        if own and others
        else "add images of another class to the dataset",
    )


def _check_train_classes(subject: SpecView, dataset: DatasetFacts) -> Iterator[Problem]:
    """A class that a classifier could not learn, where the dataset's file counts by class."""
    if subject.task not in ("image-classification", "multilabel-classification"):
        return
    train = ((dataset.statistics or {}).get("splits") or {}).get("train") or {}
    counts = train.get("perClass") or {}
    absent = [name for name in subject.classes if counts.get(name) == 0]
    if absent:
        own = subject.get_value("dataset", "classes") is not None
        yield subject.make_problem(
            ("dataset", "classes" if own else "ref"),
            f"the train split has no images of {', '.join(map(repr, absent[:5]))}"
            + (f" and {len(absent) - 5} more" if len(absent) > 5 else ""),
            "add some, or leave the class out with dataset.classes",
        )


def _check_class_weights(subject: SpecView, dataset: DatasetFacts) -> Iterator[Problem]:
    weights = subject.get_mapping("training", "classWeights")
    # With classes of its own the file alone tells, and `load` did.
    if not weights or not dataset.classes or subject.get_value("dataset", "classes") is not None:
        return
    source = f"the dataset '{dataset.name}'"
    for broken in check_class_weights(weights, list(dataset.classes), source):
        yield subject.document.make_problem(
            broken.path, broken.message, broken.fix, at_key=broken.at_key
        )


def _check_batch_size(subject: SpecView, dataset: DatasetFacts) -> Iterator[Problem]:
    images = _count_images(subject, dataset).get("train")
    batch = subject.batch_size
    if images is None or batch is None or batch <= images:
        return
    yield subject.make_problem(
        ("training", "batchSize"),
        f"is more than the train split has ({pluralize(images, 'image')}), got {batch:g}",
        # A split may be counted as empty, and batchSize itself is at least 1.
        f"set batchSize to {max(1, images)} or less",
        # It trains all the same: an epoch is one batch, smaller than was asked for.
        severity="warning",
    )


def _count_images(subject: SpecView, dataset: DatasetFacts) -> Mapping[str, int]:
    if dataset.statistics is None:
        return {}
    # It imports Python's statistics, which only a dataset that was counted has a use for.
    from vtspec.pipelines.estimation.estimate import count_images

    return count_images(dataset.statistics, subject.task, subject.classes, dataset.classes)
