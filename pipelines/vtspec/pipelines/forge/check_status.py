"""A check as a status, where there are no checks. Pure."""

from typing import assert_never

from .forge import CheckReport, Conclusion, Status, StatusState


def make_check_status(report: CheckReport) -> Status:
    """The status under the check's name that says what its title says."""
    return Status(
        context=report.name, state=_find_state(report.conclusion), description=report.title
    )


def _find_state(conclusion: Conclusion | None) -> StatusState:
    match conclusion:
        case None:
            return "pending"
        case "success" | "neutral":
            return "success"
        case "failure":
            return "failure"
    assert_never(conclusion)
