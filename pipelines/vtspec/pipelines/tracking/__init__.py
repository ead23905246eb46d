"""Events into MLflow: from the run's own file, in their order, at MLflow's own pace.

`mlflow_mapping` decides what is logged, `mlflow_upload` sends it through `mlflow_client`, and
`follower` is the process that keeps up with a run. Training never waits for any of them: it writes
a file.
"""

from .follower import (
    Follower,
    SyncResult,
    describe_registration,
    format_sync,
    has_waiting_events,
    read_sync_result,
    start_follower,
    sync_run,
)
from .mlflow_client import choose_tracking_uri
from .mlflow_store import check_store, find_scheme_problem, find_store_file, is_store_missing
from .mlflow_upload import find_run_page

__all__ = [
    "Follower",
    "SyncResult",
    "check_store",
    "choose_tracking_uri",
    "describe_registration",
    "find_run_page",
    "find_scheme_problem",
    "find_store_file",
    "format_sync",
    "has_waiting_events",
    "is_store_missing",
    "read_sync_result",
    "start_follower",
    "sync_run",
]
