"""One look at a repository and all that it asks for."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .effects import Effects
from .observation import Site, observe_site
from .reconcile import find_next_look, reconcile


@dataclass(frozen=True, kw_only=True)
class Pass:
    """What a look has come to: how much was to be done, and after how many seconds it is due
    again although nothing is told of; None where it is not."""

    actions: int
    delay_s: float | None


def serve_once(site: Site, report: Callable[[str], None], numbers: Iterable[int] = ()) -> Pass:
    """Look, decide, act. Raises as `observe_site` does; what one action comes upon is reported
    and tried again."""
    observed = observe_site(site, numbers)
    for number, error in observed.left_out.items():
        report(f"pull request {number} is left out: {error}")
    actions = reconcile(observed.view)
    effects = Effects(site=site, repository=observed.repository, report=report)
    effects.carry_out(actions)
    pause = find_next_look(observed.view)
    looks = None if pause is None else pause.total_seconds()
    due = [one for one in (effects.delay_s, looks) if one is not None]
    return Pass(actions=len(actions), delay_s=min(due, default=None))
