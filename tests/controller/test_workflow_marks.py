"""What a Workflow says of pull requests is read as it was written, and nothing else is."""

import pytest

from vtspec.pipelines.controller.view import Approval
from vtspec.pipelines.controller.workflow_marks import read_approvals, read_wanted, render_marks

APPROVAL = Approval(
    pull_request=3,
    login="ben",
    digest="a" * 64,
    head_sha="b" * 40,
    source="comment",
    comment_id=1004,
    place="vision s3://runs/team",
)


def test_an_approval_comes_back() -> None:
    marks = render_marks(3, APPROVAL)
    assert read_approvals(marks) == [APPROVAL]
    assert read_wanted(marks) == {3: True}


def test_who_wants_it_no_more_has_approved_it_still() -> None:
    first, last = render_marks(3, APPROVAL), render_marks(3, None)
    merged = {kind: {**first[kind], **last.get(kind, {})} for kind in first}
    assert read_approvals(merged) == [APPROVAL]
    assert read_wanted(merged) == {3: False}


def test_labels_and_annotations_are_such_as_kubernetes_takes() -> None:
    marks = render_marks(999_999_999, APPROVAL)
    for kind in ("labels", "annotations"):
        for key in marks[kind]:
            prefix, _, name = key.partition("/")
            assert prefix == "vtspec.dev"
            assert len(name) <= 63


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{", "[" * 100_000, '{"pull_request": 3}', '{"source": "telepathy"}', "7"],
)
def test_what_nobody_here_wrote_approves_nothing(text: str) -> None:
    metadata = {"annotations": {"vtspec.dev/approval-3": text}, "labels": {"vtspec.dev/x": "true"}}
    assert read_approvals(metadata) == []
    assert read_wanted(metadata) == {}
    assert read_approvals({"annotations": None}) == []
