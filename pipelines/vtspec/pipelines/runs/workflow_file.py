"""`workflow.json` in a run's folder: that a Workflow of a cluster carries it out, and which one.

Such a run has no process that lives between two of its pods: until its events tell an end it is
on the cluster, whoever is silent.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

WORKFLOW_FILE: Final = "workflow.json"

_KEYS: Final = ("namespace", "name", "digest", "createdAt", "namespaceUid", "team")

_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
"""As Kubernetes has names: no more is put into an address."""

OWN_WORKFLOW: Final = "VTSPEC_WORKFLOW"
OWN_NAMESPACE: Final = "VTSPEC_NAMESPACE"
"""What tells a step in a pod which Workflow it is of."""


@dataclass(frozen=True, kw_only=True)
class WorkflowFile:
    """Where the Workflow is, the digest of the plan that it carries out, and when it was asked
    for, which tells it from an earlier one of its name; empty for one that vtspec did not create,
    of which that is not known. `namespace_uid` tells the cluster, which every kubeconfig may call
    otherwise; empty where whoever wrote it could not read it. `team` is whose limits it counts
    for; empty for nobody's."""

    namespace: str
    name: str
    digest: str
    created_at: str
    namespace_uid: str = ""
    team: str = ""

    def encode(self) -> bytes:
        """As it is kept."""
        return (json.dumps(self.to_json(), indent=2) + "\n").encode()

    def to_json(self) -> dict[str, str]:
        """As an event tells it."""
        told = {
            "namespace": self.namespace,
            "name": self.name,
            "digest": self.digest,
            "createdAt": self.created_at,
        }
        later = {"namespaceUid": self.namespace_uid, "team": self.team}
        return told | {key: value for key, value in later.items() if value}

    def is_of(self, run: str) -> bool:
        """Whether its name is one that a Workflow of that run has: the run's, or with more behind
        it, as a completion's and a schedule's."""
        return self.name == run or self.name.startswith(f"{run}-")


def parse_workflow_file(data: bytes) -> WorkflowFile | None:
    """What a file says; None where it is damaged."""
    try:
        told = json.loads(data)
    except ValueError:
        return None
    return workflow_from_json(told) if isinstance(told, Mapping) else None


def workflow_from_json(told: Mapping[str, object]) -> WorkflowFile | None:
    """What is told of a Workflow; None where that does not say which."""
    values = [told.get(key) for key in _KEYS]
    namespace, name, digest, created_at, uid, team = (
        one if isinstance(one, str) else "" for one in values
    )
    # Without these it cannot be found, and is as good as none.
    if not _NAME.fullmatch(namespace) or not _NAME.fullmatch(name):
        return None
    return WorkflowFile(
        namespace=namespace,
        name=name,
        digest=digest,
        created_at=created_at,
        namespace_uid=uid,
        team=team,
    )


def read_workflow_file(run_dir: Path) -> WorkflowFile | None:
    """What a run's folder says of its Workflow; None for a run of no cluster, and where it names
    none of the run's: its pods may write there, and another's is none of its business."""
    try:
        found = parse_workflow_file((run_dir / WORKFLOW_FILE).read_bytes())
    except OSError:
        return None
    return found if found is not None and found.is_of(run_dir.name) else None
