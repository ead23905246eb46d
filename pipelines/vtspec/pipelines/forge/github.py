"""GitHub, at github.com or a server of one's own."""

import hashlib
import json
from dataclasses import asdict
from typing import Any, Final

from vtspec.pipelines.failpoints import durable_step

from .answers import (
    CheckRun,
    find_own_reaction,
    read_answer,
    read_answers,
    read_permission,
)
from .api_client import ApiClient, join_path
from .check_status import make_check_status
from .forge import Annotation, CheckReport, Permission, ReactionContent
from .rest_forge import RestForge, cut

Object = dict[str, Any]

_ANNOTATIONS_A_CALL: Final = 50
_LONGEST_SUMMARY: Final = 65_535
_LONGEST_MESSAGE: Final = 16_000  # of 64 KB, which may be four to a character
_LONGEST_TITLE: Final = 255
_LEVELS: Final = {"failure": "failure", "neutral": "warning", "success": "notice", None: "notice"}


class GitHub(RestForge):
    """One repository of GitHub's.

    Only an App has check runs, `is_app`; of who asks with a token of their own a check is a
    status, which has no annotations.
    """

    def __init__(
        self, repository: str, api: ApiClient, *, is_app: bool, login: str | None = None
    ) -> None:
        super().__init__(repository, api, login)
        self.has_checks = is_app

    def remove_reaction(self, comment_id: int, content: ReactionContent) -> None:
        """Take our own reaction back; where there is none, nothing changes."""
        path = self._reactions_path(comment_id)
        found = find_own_reaction(self._api.list(path), self.find_login(), content)
        if found is not None:
            self._api.remove(f"{path}{join_path(found)}")

    def get_permission(self, login: str) -> Permission:
        """What a person may do in the repository now; "none" for who is unknown."""
        path = self._path("collaborators", login, "permission")
        return read_permission(self._api.find(path)) if login else "none"

    def report_check(self, sha: str, report: CheckReport) -> None:
        """Report a check of a commit, once: what was reported in full is not reported again."""
        if not self.has_checks:
            self.set_status(sha, make_check_status(report))
            return
        digest = _sum(report)
        last = self._find_check_run(sha, report.name)
        if last is not None and last.external_id == digest:
            return
        annotations = [_make_annotation(one, report) for one in report.annotations]
        batches = [
            annotations[at : at + _ANNOTATIONS_A_CALL]
            for at in range(0, max(len(annotations), 1), _ANNOTATIONS_A_CALL)
        ]
        bodies: list[Object] = [{"output": _make_output(report, batch)} for batch in batches]
        # With the last, so that who is interrupted before it reports all of it anew.
        bodies[-1]["external_id"] = digest
        with durable_step("check.report"):
            run = self._begin_check_run(sha, report, last, bodies[0])
            for body in bodies[1:]:
                self._update_check_run(run, body)

    def _find_check_run(self, sha: str, name: str) -> CheckRun | None:
        query = {"check_name": name, "filter": "latest"}
        found = self._api.list(self._path("commits", sha, "check-runs"), query, "check_runs")
        # Another App's may have the name, too, and is not ours to change.
        ours = [run for run in read_answers(CheckRun, found) if run.author == self.find_login()]
        return max(ours, key=lambda run: run.id, default=None)

    def _begin_check_run(
        self, sha: str, report: CheckReport, last: CheckRun | None, body: Object
    ) -> int:
        if report.conclusion is None:
            body = {**body, "status": "in_progress"}
        else:
            body = {**body, "status": "completed", "conclusion": report.conclusion}
        # Annotations are added to those that are there: only a run without any goes on.
        if last is not None and last.status != "completed" and not last.output.annotations_count:
            self._update_check_run(last.id, body)
            return last.id
        body = {**body, "name": report.name, "head_sha": sha}
        return read_answer(CheckRun, self._api.send("POST", self._path("check-runs"), body)).id

    def _update_check_run(self, run: int, body: Object) -> None:
        self._api.send("PATCH", self._path("check-runs", run), body)


def _make_output(report: CheckReport, annotations: list[Object]) -> Object:
    output = {
        "title": cut(report.title, _LONGEST_TITLE),
        "summary": cut(report.summary, _LONGEST_SUMMARY),
        "annotations": annotations,
    }
    # As long as a summary, at most.
    return output if not report.text else {**output, "text": cut(report.text, _LONGEST_SUMMARY)}


def _make_annotation(annotation: Annotation, report: CheckReport) -> Object:
    return {
        "path": annotation.path,
        "start_line": annotation.line,
        "end_line": annotation.end_line,
        "annotation_level": _LEVELS[report.conclusion],
        "message": cut(annotation.message, _LONGEST_MESSAGE),
        "title": cut(annotation.title, _LONGEST_TITLE),
    }


def _sum(report: CheckReport) -> str:
    text = json.dumps(asdict(report), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
