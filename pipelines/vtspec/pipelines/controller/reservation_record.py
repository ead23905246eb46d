"""The ConfigMap of a namespace that reservations are kept in.

It is changed only as it was read, so that of two controllers that decide on the same reservations
one has to look again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from vtspec.pipelines.argo.workflow import MANAGED
from vtspec.pipelines.cluster.kubernetes_client import CONFIG_MAPS
from vtspec.pipelines.errors import Temporary
from vtspec.pipelines.failpoints import durable_step
from vtspec.pipelines.runs.json_values import to_mapping

from .reservations import (
    RECORD_NAME,
    Reservation,
    encode_reservation,
    make_changes,
    parse_reservation,
)

if TYPE_CHECKING:
    from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient


@dataclass(frozen=True, kw_only=True)
class ReservationRecord:
    """The reservations of a namespace as they were read; `version` is the ConfigMap's, None where
    there is none. `spoiled` is a run of which it says what is no reservation, so that nobody knows
    what is held back of a limit."""

    namespace: str = ""
    every: Sequence[Reservation] = ()
    version: str | None = None
    spoiled: str | None = None

    def add(self, client: "KubernetesClient", fresh: Sequence[Reservation], now: datetime) -> None:
        """Keep these too, and let go of those that count no more. Raises `Temporary` where the
        record is not as it was read."""
        data = make_changes(self.every, fresh, now)
        with durable_step("cost.reserve"):
            if self.version is None:
                kept = {key: value for key, value in data.items() if value is not None}
                metadata = {"name": RECORD_NAME, "labels": dict(MANAGED)}
                body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
                is_done = client.create(CONFIG_MAPS, self.namespace, {**body, "data": kept})
            else:
                change = {"metadata": {"resourceVersion": self.version}, "data": data}
                is_done = client.patch(CONFIG_MAPS, self.namespace, RECORD_NAME, change)
            if not is_done:
                raise Temporary("another controller has reserved costs meanwhile")

    def withdraw(self, client: "KubernetesClient", fresh: Sequence[Reservation]) -> None:
        """Let go of what was reserved for runs that do not come, but for what another controller
        has reserved since. Raises as `KubernetesClient.patch`."""
        found = client.get(CONFIG_MAPS, self.namespace, RECORD_NAME)
        told = {} if found is None else to_mapping(found.get("data"))
        ours = {one.run: None for one in fresh if told.get(one.run) == encode_reservation(one)}
        if found is None or not ours:
            return
        change = {"metadata": {"resourceVersion": _read_version(found)}, "data": ours}
        client.patch(CONFIG_MAPS, self.namespace, RECORD_NAME, change)


def read_reservations(client: "KubernetesClient", namespace: str) -> ReservationRecord:
    """The reservations of a namespace now."""
    found = client.get(CONFIG_MAPS, namespace, RECORD_NAME)
    if found is None:
        return ReservationRecord(namespace=namespace)
    told = to_mapping(found.get("data"))
    read = {run: parse_reservation(run, text) for run, text in sorted(told.items())}
    return ReservationRecord(
        namespace=namespace,
        every=tuple(one for one in read.values() if one is not None),
        version=_read_version(found),
        spoiled=next((run for run, one in read.items() if one is None), None),
    )


def _read_version(found: Mapping[str, Any]) -> str:
    return str(to_mapping(found.get("metadata")).get("resourceVersion") or "")
