"""What each class counts in a loss, by the job."""

from __future__ import annotations

from collections.abc import Sequence

from vtspec.adapters.contract import AdapterError, Job


def compute_class_weights(
    job: Job, counts: Sequence[int], what: str = "images"
) -> list[float] | None:
    """The weight of each class in the loss, in index order; None where all count the same.

    `balanced` is images / (classes * images of the class), as in scikit-learn; `counts` are those
    of the train split, or of whatever else is counted, by its name.

    Raises:
        AdapterError: a class without a weight or without images, or a weight without a class.
    """
    wanted, classes = job.training.class_weights, job.dataset.classes
    if wanted is None:
        return None
    if isinstance(wanted, str):
        empty = [name for name, count in zip(classes, counts, strict=True) if not count]
        if empty:
            raise AdapterError(
                f"training.classWeights: class '{empty[0]}' has no {what} to be balanced by",
                "leave it out of dataset.classes, or give the weights as numbers",
            )
        return [sum(counts) / (len(counts) * count) for count in counts]
    missing = [name for name in classes if name not in wanted]
    unknown = [name for name in wanted if name not in classes]
    if missing or unknown:
        what = f"'{missing[0]}' has no weight" if missing else f"'{unknown[0]}' is no class"
        raise AdapterError(
            f"training.classWeights: {what}", f"give one number for each of {', '.join(classes)}"
        )
    return [float(wanted[name]) for name in classes]
