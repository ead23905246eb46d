"""Whose turn it is in the queue of this machine: in the order in which they came. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """One `run --queue`: what it needs, and what it was given.

    `number` grows in the order in which they came. It needs `count` of the devices
    `among`; `held` are those that it has, none while it waits. `run` is its plan's id, `root` the
    repository that it is of.
    """

    number: int
    run: str
    root: str
    pid: int
    among: tuple[str, ...]
    count: int
    held: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What the queue has for a ticket: its `devices`, or none yet, and the tickets before it that
    have or wait for one of those that it could be given."""

    devices: tuple[str, ...]
    before: tuple[Ticket, ...]

    @property
    def position(self) -> int:
        """Its number among those that wait, from 1."""
        return 1 + sum(not one.held for one in self.before)


def find_turns(tickets: Sequence[Ticket]) -> dict[int, Turn]:
    """The turn of each ticket that waits, by its number.

    Who came later never goes first, not even past one that waits for two devices where one is
    free: it would wait for ever. Only who can be given none of the devices that those before
    could be given does not wait for them.
    """
    taken = {device for one in tickets for device in one.held}
    turns: dict[int, Turn] = {}
    ordered = sorted(tickets, key=lambda one: one.number)
    for index, one in enumerate(ordered):
        if one.held:
            continue
        free = [device for device in one.among if device not in taken]
        given = tuple(free[: one.count]) if len(free) >= one.count else ()
        taken |= set(given or one.among)
        before = [
            other for other in ordered[:index] if {*(other.held or other.among)} & {*one.among}
        ]
        turns[one.number] = Turn(devices=given, before=tuple(before))
    return turns
