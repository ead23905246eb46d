"""`metrics.json`: the figures of a run, made from its state. Pure."""

from typing import TypedDict

from .state import RunState
from .training_state import Epoch, Row


class Metrics(TypedDict):
    """`metrics.json`: the final figures, the best epoch and every epoch."""

    final: dict[str, float | str | None]
    best: dict[str, float | str | None]
    epochs: list[Row]


def build_metrics(state: RunState) -> Metrics:
    """`metrics.json`: the final figures, the best epoch and every epoch."""
    best, final = state.training.best, state.final
    return {
        "final": {"split": final.split, **final.metrics} if final.metrics else {},
        "best": {} if best is None else _build_best_row(best, state.training.monitor),
        "epochs": [one.to_row() for one in state.training.history],
    }


def _build_best_row(best: Epoch, monitor: str | None) -> dict[str, float | str | None]:
    row = best.to_row()
    shown = {key: row[key] for key in row if key not in ("epoch", "lr", "seconds")}
    return {"epoch": row["epoch"], "monitor": monitor, "value": best.find_value(monitor), **shown}
