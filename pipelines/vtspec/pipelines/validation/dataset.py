"""The dataset that an experiment refers to, and what it asks of it."""

from collections.abc import Iterator, Mapping

from vtspec.pipelines.catalog import Framework
from vtspec.schema.kinds.rules import weights_of_classes
from vtspec.schema.problem import Problem
from vtspec.schema.suggestions import did_you_mean, listed

from .context import Data
from .spec_view import Subject


def data_problems(subject: Subject, framework: Framework | None) -> Iterator[Problem]:
    """What is wrong with `dataset`, and with what the training says of classes and batches."""
    ref = subject.text("dataset", "ref")
    if ref is None:
        return
    if ref not in subject.world.datasets:
        otherwise = f"add it with 'vtspec datasets add PATH --name {ref}'"
        fix = did_you_mean(ref, subject.world.datasets, otherwise)
        yield subject.problem(("dataset", "ref"), f"there is no dataset '{ref}'", fix)
        return
    dataset = subject.dataset
    if dataset is None:
        # Its own file has problems, which are told where it is validated.
        return
    yield from _task(subject, dataset)
    yield from _format(subject, dataset, framework)
    yield from _classes(subject, dataset)
    yield from _class_weights(subject, dataset)
    yield from _batch(subject, dataset)


def _task(subject: Subject, dataset: Data) -> Iterator[Problem]:
    task = subject.task
    if task is not None and task not in dataset.tasks:
        name, tasks = dataset.name, dataset.tasks
        message = f"the dataset '{name}' has no labels for {task}"
        fix = f"set task to {listed(tasks)}, or name another dataset"
        yield subject.problem(("dataset", "ref"), message, fix)


def _format(subject: Subject, dataset: Data, framework: Framework | None) -> Iterator[Problem]:
    if framework is None or dataset.format in framework.formats:
        return
    message = f"{framework.name} does not read the format of '{dataset.name}', {dataset.format}"
    fix = f"convert the dataset to {listed(framework.formats)}, or choose another framework"
    yield subject.problem(("dataset", "ref"), message, fix)


def _classes(subject: Subject, dataset: Data) -> Iterator[Problem]:
    known = frozenset(dataset.classes)
    for index, name in subject.texts("dataset", "classes"):
        if name not in known:
            message = f"'{name}' is no class of the dataset '{dataset.name}'"
            fix = did_you_mean(name, dataset.classes)
            yield subject.problem(("dataset", "classes", index), message, fix)


def _class_weights(subject: Subject, dataset: Data) -> Iterator[Problem]:
    weights = subject.mapping("training", "classWeights")
    # With classes of its own the file alone tells, and `load` did.
    if not weights or not dataset.classes or subject.value("dataset", "classes") is not None:
        return
    source = f"the dataset '{dataset.name}'"
    for broken in weights_of_classes(weights, list(dataset.classes), source):
        yield subject.document.problem(
            broken.path, broken.message, broken.fix, at_key=broken.at_key
        )


def _batch(subject: Subject, dataset: Data) -> Iterator[Problem]:
    images = _images(subject, dataset).get("train")
    batch = subject.number("training", "batchSize", otherwise=32)
    if images is None or batch is None or batch <= images:
        return
    yield subject.problem(
        ("training", "batchSize"),
        f"is more than the train split has ({images} images), got {batch:g}",
        f"set batchSize to {max(1, images)} or less",
        severity="warning",
    )


def _images(subject: Subject, dataset: Data) -> Mapping[str, int]:
    if dataset.statistics is None:
        return {}
    from vtspec.pipelines.estimation.estimate import images_of

    return images_of(dataset.statistics, subject.classes, dataset.classes)
