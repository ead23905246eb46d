"""Events into MLflow: from the run's own file, in their order, at MLflow's own pace.

`translate` decides what is logged, `ship` talks to MLflow, `follow` is the process that keeps up
with a run. Training never waits for any of them: it writes a file.
"""

from .follower import Follower, SyncResult, choose_tracking_uri, start_follower, sync_run

__all__ = ["Follower", "SyncResult", "choose_tracking_uri", "start_follower", "sync_run"]
