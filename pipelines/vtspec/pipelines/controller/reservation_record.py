"""The ConfigMap of a namespace that reservations are kept in.

It is changed only as it was read, so that of two controllers that decide on the same reservations
one has to look again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.argo.workflow import MANAGED
from vtspec.pipelines.cluster.kubernetes_client import CONFIG_MAPS
from vtspec.pipelines.errors import Refused, Temporary
from vtspec.pipelines.failpoints import durable_step
from vtspec.pipelines.runs.json_values import to_mapping

from .reservations import Reservation, make_changes, parse_reservation

if TYPE_CHECKING:
    from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient

NAME: Final = "vtspec-reservations"


@dataclass(frozen=True, kw_only=True)
class ReservationRecord:
    """The reservations of a namespace as they were read; `version` is the ConfigMap's, None where
    there is none."""

    namespace: str = ""
    every: Sequence[Reservation] = ()
    version: str | None = None

    def add(self, client: "KubernetesClient", fresh: Sequence[Reservation], now: datetime) -> None:
        """Keep these too, and let go of those that count no more. Raises `Temporary` where the
        record is not as it was read."""
        data = make_changes(self.every, fresh, now)
        with durable_step("cost.reserve"):
            if self.version is None:
                kept = {key: value for key, value in data.items() if value is not None}
                metadata = {"name": NAME, "labels": dict(MANAGED)}
                body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
                is_done = client.create(CONFIG_MAPS, self.namespace, {**body, "data": kept})
            else:
                change = {"metadata": {"resourceVersion": self.version}, "data": data}
                is_done = client.patch(CONFIG_MAPS, self.namespace, NAME, change)
            if not is_done:
                raise Temporary("another controller has reserved costs meanwhile")


def read_reservations(client: "KubernetesClient", namespace: str) -> ReservationRecord:
    """The reservations of a namespace now. Raises `Refused` where one of them cannot be read:
    what it holds back of a limit is not known."""
    found = client.get(CONFIG_MAPS, namespace, NAME)
    if found is None:
        return ReservationRecord(namespace=namespace)
    every = []
    for run, text in to_mapping(found.get("data")).items():
        one = parse_reservation(run, text)
        if one is None:
            raise Refused(
                f"ConfigMap {NAME} in namespace {namespace} says of {run} what is no reservation",
                fix=format_command("kubectl", "-n", namespace, "delete", "configmap", NAME),
            )
        every.append(one)
    version = str(to_mapping(found.get("metadata")).get("resourceVersion") or "")
    return ReservationRecord(namespace=namespace, every=tuple(every), version=version)
