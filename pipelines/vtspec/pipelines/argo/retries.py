"""Which failed pods are started again: what the machine did, and not what the run did. Pure."""

from typing import Any, Final

INTERRUPTED: Final = "75"
"""What `vtspec step` ends with where trying again is right; `errors` has all of them."""

TERMINATED: Final = "143"
KILLED: Final = "137"
UNKNOWN: Final = "-1"
"""What Argo has for the exit code of a pod that left none: evicted, or its node is gone."""

LIMIT: Final = 8

# Argo evaluates it over the last pod. It is a constant: nothing of a spec is in it. Its deadline
# ends a step for good; the kernel's OOM killer would do so again; an error is the engine's own
# word for a pod that was deleted or never began. One that the API server forbids, by a policy or
# the namespace's rules for pods, it forbids again, and what it holds for no pod stays none; a
# full quota Argo waits for by itself.
RETRIED: Final = (
    "not (lastRetry.message contains 'is forbidden') and "
    "not (lastRetry.message contains 'is invalid') and "
    "(lastRetry.status == 'Error' or (not (lastRetry.message contains 'deadline') and "
    f"(lastRetry.exitCode in ['{INTERRUPTED}', '{TERMINATED}', '{UNKNOWN}'] or "
    f"(lastRetry.exitCode == '{KILLED}' and not (lastRetry.message contains 'OOMKilled')))))"
)

RETRY_STRATEGY: Final[dict[str, Any]] = {
    "limit": LIMIT,
    "retryPolicy": "Always",
    "expression": RETRIED,
    "backoff": {"duration": "10s", "factor": 2, "cap": "5m"},
}
