"""Which ends of a pod are tried again: the expression, held against every kind of end."""

import pytest

from vtspec.pipelines.argo.retries import INTERRUPTED, RETRIED, RETRY_STRATEGY
from vtspec.pipelines.execution.steps.exit_status import EXIT_CODES


def is_retried(status: str, exit_code: str, message: str) -> bool:
    """The expression as Argo evaluates it, its few operators said in Python's words."""
    said = RETRIED
    for name, value in (("status", status), ("exitCode", exit_code), ("message", message)):
        said = said.replace(f"lastRetry.{name}", repr(value))
    assert "lastRetry" not in said
    # `text contains part` is Python's `part in text`.
    import re

    said = re.sub(r"('[^']*') contains ('[^']*')", r"\2 in \1", said)
    assert "contains" not in said
    return bool(eval(said, {"__builtins__": {}}))


@pytest.mark.parametrize(
    ("status", "exit_code", "message", "retried"),
    [
        ("Error", "-1", "pod deleted", True),
        ("Error", "-1", "Pod failed before main container starts due to ErrImagePull: x", True),
        ("Error", "-1", "pods a is forbidden: violates PodSecurity restricted:latest", False),
        ("Error", "-1", "Pod a is invalid: spec.containers[1].securityContext: no", False),
        (
            "Error",
            "-1",
            "pods a is forbidden: ValidatingAdmissionPolicy b denied request: no",
            False,
        ),
        ("Failed", "-1", "The node was low on resource: memory.", True),
        ("Failed", "75", "main: Error (exit code 75)", True),
        ("Failed", "143", "main: Error (exit code 143)", True),
        ("Failed", "137", "main: Error (exit code 137)", True),
        ("Failed", "137", "main: OOMKilled (exit code 137)", False),
        ("Failed", "3", "main: Error (exit code 3)", False),
        ("Failed", "2", "main: Error (exit code 2)", False),
        ("Failed", "4", "main: Error (exit code 4)", False),
        ("Failed", "1", "main: Error (exit code 1)", False),
        ("Failed", "143", "Step exceeded its deadline", False),
        ("Failed", "-1", "Pod was active on the node longer than the specified deadline", False),
    ],
)
def test_the_machine_is_tried_again_and_the_run_is_not(
    status: str, exit_code: str, message: str, retried: bool
) -> None:
    assert is_retried(status, exit_code, message) is retried


def test_an_interruption_has_the_exit_code_that_a_step_ends_with() -> None:
    assert INTERRUPTED == str(EXIT_CODES["interrupted"])
    assert "{{" not in str(RETRY_STRATEGY)
