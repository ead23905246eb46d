"""`workflow.json` in a run's folder: that a Workflow of a cluster carries it out, and which one.

Such a run has no process that lives between two of its pods: until its events tell an end it is
on the cluster, whoever is silent.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

WORKFLOW_FILE: Final = "workflow.json"


@dataclass(frozen=True, kw_only=True)
class WorkflowFile:
    """Where the Workflow is, the digest of the plan that it carries out, and when it was asked
    for, which tells it from an earlier one of its name."""

    namespace: str
    name: str
    digest: str
    created_at: str

    def encode(self) -> bytes:
        """As it is kept."""
        told = {
            "namespace": self.namespace,
            "name": self.name,
            "digest": self.digest,
            "createdAt": self.created_at,
        }
        return (json.dumps(told, indent=2) + "\n").encode()


def parse_workflow_file(data: bytes) -> WorkflowFile | None:
    """What a file says; None where it is damaged."""
    try:
        told = json.loads(data)
    except ValueError:
        return None
    if not isinstance(told, Mapping):
        return None
    values = [told.get(key) for key in ("namespace", "name", "digest", "createdAt")]
    namespace, name, digest, created_at = (one if isinstance(one, str) else "" for one in values)
    # Without these it cannot be found, and is as good as none.
    if not namespace or not name:
        return None
    return WorkflowFile(namespace=namespace, name=name, digest=digest, created_at=created_at)


def read_workflow_file(run_dir: Path) -> WorkflowFile | None:
    """What a run's folder says of its Workflow; None for a run of no cluster."""
    try:
        return parse_workflow_file((run_dir / WORKFLOW_FILE).read_bytes())
    except OSError:
        return None
