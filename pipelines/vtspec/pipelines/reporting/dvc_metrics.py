"""The results of a run as files that DVC compares: metrics, and the data of plots.

They are small, go into git, and hold nothing that differs between two equal runs: no times.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from vtspec.adapters.durable_files import write_file_atomic
from vtspec.pipelines.errors import Permanent

FILES: Final = ("metrics.json", "epochs.csv", "confusion.csv", "classes.csv")
"""What `write_results` leaves in a folder, always all of it: DVC wants every output of a stage."""

_TIMES: Final = ("seconds",)
_CLASS_COLUMNS: Final = ("class", "precision", "recall", "f1", "support")


def write_results(run: Path, folder: Path) -> None:
    """Write the results of the finished run in `run` to `folder`, each file atomically.

    `metrics.json` is the run's own without times; `epochs.csv` has a row an epoch;
    `confusion.csv` a row an image or object (`actual`, `predicted`), as DVC's template counts
    them; `classes.csv` a row a class (precision, recall, f1, support, then what its task has
    beside them). A task without classes leaves the last two empty but for their header, and one
    that counts pixels, of which there are too many for rows, the first of them.

    Raises `Permanent` where the run has no metrics.
    """
    metrics = _read_json(run / "metrics.json")
    if metrics is None:
        raise Permanent(f"{run} has no metrics.json: it did not finish", fix="vtspec status")
    evaluation = _read_json(run / "evaluation.json") or {}
    epochs = [_drop_times(epoch) for epoch in metrics.get("epochs", [])]
    final = _drop_times(metrics.get("final", {}))
    classes = evaluation.get("perClass") or ()
    texts = (
        json.dumps({**metrics, "final": final, "epochs": epochs}, indent=2) + "\n",
        _format_csv(_collect_columns(epochs, ("epoch", "train_loss", "val_loss")), epochs),
        _format_csv(("actual", "predicted"), _iter_pairs(evaluation)),
        _format_csv(_collect_columns(classes, _CLASS_COLUMNS), classes),
    )
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in zip(FILES, texts, strict=True):
        # In one step: DVC hashes what lies there, perhaps at this moment.
        write_file_atomic(folder / name, text)


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise Permanent(
            f"{path} is damaged: {error}", fix="run the spec again: --again"
        ) from error
    return found if isinstance(found, dict) else None


def _drop_times(values: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in values.items() if key not in _TIMES}


def _collect_columns(rows: Iterable[Mapping[str, object]], first: Sequence[str]) -> Sequence[str]:
    found = {key: None for row in rows for key in row}
    return (*first, *(key for key in found if key not in first))


def _iter_pairs(evaluation: Mapping[str, Any]) -> Iterable[Mapping[str, object]]:
    if evaluation.get("confusionUnit") == "pixel":
        return
    classes = evaluation.get("confusionClasses", evaluation.get("classes")) or ()
    for actual, counts in zip(classes, evaluation.get("confusion") or (), strict=False):
        for predicted, count in zip(classes, counts, strict=True):
            for _ in range(count):
                yield {"actual": actual, "predicted": predicted}


def _format_csv(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
