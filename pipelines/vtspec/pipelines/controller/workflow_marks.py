"""What a run's Workflow says of the pull requests that want it, as labels and annotations. Pure.

A key for each pull request: two that approve at once change different ones.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from vtspec.pipelines.argo.workflow import ESTIMATE, PREFIX
from vtspec.pipelines.runs.json_values import to_int, to_mapping, to_number, to_text

from .expected_cost import ExpectedCost
from .view import Approval, ApprovalSource

_WANTED: Final = re.compile(rf"{re.escape(PREFIX)}/pull-request-([0-9]{{1,9}})")
_APPROVED: Final = re.compile(rf"{re.escape(PREFIX)}/approval-([0-9]{{1,9}})")
_SOURCES: Final[Mapping[str, ApprovalSource]] = {
    "comment": "comment",
    "approval": "approval",
    "merge": "merge",
}


def render_marks(pull_request: int, approval: Approval | None) -> dict[str, Any]:
    """The metadata of a Workflow that a pull request wants by an approval, or no more by none."""
    wanted = {f"{PREFIX}/pull-request-{pull_request}": "stopped" if approval is None else "true"}
    if approval is None:
        return {"labels": wanted}
    text = json.dumps(asdict(approval), sort_keys=True)
    return {"labels": wanted, "annotations": {f"{PREFIX}/approval-{pull_request}": text}}


def read_expected_cost(metadata: Mapping[str, object]) -> ExpectedCost | None:
    """What its Workflow says that a run costs; None where that says nothing, as an earlier
    vtspec's and a completion's do."""
    text = to_text(to_mapping(metadata.get("annotations")).get(ESTIMATE))
    try:
        told = to_mapping(json.loads(text or ""))
    except (ValueError, RecursionError):
        return None
    cost, seconds = (to_number(told.get(key)) for key in ("cost", "seconds"))
    currency = to_text(told.get("currency"))
    if currency is None or (cost or 0.0) < 0 or (seconds or 0.0) < 0:
        return None
    return ExpectedCost(cost=cost, seconds=seconds, currency=currency)


def read_wanted(metadata: Mapping[str, object]) -> dict[int, bool]:
    """Whether each pull request that has approved it wants it still."""
    labels = to_mapping(metadata.get("labels"))
    found = ((_WANTED.fullmatch(key), value) for key, value in labels.items())
    return {int(match[1]): value == "true" for match, value in found if match}


def read_approvals(metadata: Mapping[str, object]) -> list[Approval]:
    """Who approved it; what nobody here wrote is none."""
    annotations = to_mapping(metadata.get("annotations"))
    keys = sorted(key for key in annotations if _APPROVED.fullmatch(key))
    found = (_read_approval(to_text(annotations[key]) or "") for key in keys)
    return [one for one in found if one is not None]


def _read_approval(text: str) -> Approval | None:
    try:
        told = to_mapping(json.loads(text))
    except (ValueError, RecursionError):
        return None
    number, source = to_int(told.get("pull_request")), _SOURCES.get(str(told.get("source")))
    login, digest, head = (to_text(told.get(key)) for key in ("login", "digest", "head_sha"))
    if number is None or source is None or not login or not digest or not head:
        return None
    return Approval(
        pull_request=number,
        login=login,
        digest=digest,
        head_sha=head,
        source=source,
        comment_id=to_int(told.get("comment_id")) or 0,
        place=to_text(told.get("place")) or "",
    )
