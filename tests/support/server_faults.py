"""What befalls requests on the way to a stand-in of a server, and its answers on the way back."""

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Fault:
    """What befalls the next `times` requests that match `"METHOD /path"`.

    `drop` loses the answer: "before" anything was done, or "after" it. Else `status` is answered,
    with `headers`, and nothing is done; or `raw`, which is no answer; with `is_stale`, a list is
    what it was before the last entry. Nothing is done or answered before `until` is set.
    """

    match: str
    times: int = 1
    drop: str | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "the fault that was asked for"
    raw: bytes | None = None
    is_stale: bool = False
    until: threading.Event | None = None


def take_fault(faults: Iterable[Fault], method: str, path: str) -> Fault | None:
    """What befalls a request, which is counted."""
    for fault in faults:
        if fault.times > 0 and re.search(fault.match, f"{method} {path}"):
            fault.times -= 1
            return fault
    return None
