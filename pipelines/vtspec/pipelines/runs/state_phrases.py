"""How far a run has come in words, for a terminal and a comment alike. Pure."""

from collections.abc import Mapping

from vtspec.pipelines.formatting import format_duration, format_number
from vtspec.pipelines.language import Sentence, Tongue

from .state import RunState


def format_figures(state: RunState, between: str = "  ", tongue: Tongue = "en") -> str:
    """Where training is: its epoch, its loss, its main metric, its speed and what remains."""
    at = state.training
    # `at.epoch` counts what is done, so the one in work is the next; after the last there is none.
    epoch = Sentence(en="epoch", ko="에포크").say(tongue)
    parts = [f"{epoch} {min(at.epochs or 1, int(at.epoch) + 1)}/{at.epochs or '?'}"]
    if at.loss is not None:
        parts.append(f"loss {format_number(at.loss)}")
    if at.history:
        parts += format_main_metric(at.monitor, at.history[-1].metrics)
    if at.images_per_s:
        english = f"{format_number(round(at.images_per_s))} images/s"
        korean = f"초당 {format_number(round(at.images_per_s))}장"
        parts.append(Sentence(en=english, ko=korean).say(tongue))
    if at.remaining_s is not None:
        left = format_duration(at.remaining_s, tongue=tongue)
        parts.append(Sentence(en=f"{left} left", ko=f"{left} 남음").say(tongue))
    return between.join(parts)


def format_main_metric(monitor: str | None, metrics: Mapping[str, float]) -> list[str]:
    """The metric that decides, or the first one where none is known to."""
    name = monitor if monitor in metrics else next(iter(metrics), None)
    return [] if name is None else [f"{name} {format_number(metrics[name])}"]


def describe_adaptations(state: RunState) -> Sentence | None:
    """What training changed of its plan to go on; None where it went as planned."""
    values: dict[str, tuple[object, object]] = {}
    for one in state.training.adaptations:
        for path, (before, after) in one.changes.items():
            values[path] = (values.get(path, (before, after))[0], after)
    if not state.is_adapted:
        return None
    told = ", ".join(
        f"{path.rpartition('.')[2]} {_format_value(before)} → {_format_value(after)}"
        for path, (before, after) in values.items()
    )
    return Sentence(en=f"adapted: {told}", ko=f"계획과 다르게 진행: {told}")


def _format_value(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, int | float) else str(value)
