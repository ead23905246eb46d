"""`vtspec ci` in a job, beside a stand-in of GitHub, real git, a cluster and a store."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import check_jsonschema  # type: ignore[import-untyped]
import click
import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result

from git_repositories import commit, git
from github_world import PullRequest
from object_storage import ObjectStorage
from plan_repository import change
from proposed_changes import DEEP
from served_pull_requests import PullRequests, serve_pull_requests
from vtspec.cli.main import cli
from vtspec.pipelines.controller import site
from vtspec.pipelines.controller.ci_event import LOGIN, read_event
from vtspec.pipelines.forge.write_pace import WritePace

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / ".github" / "workflows" / "vtspec.yml"
JOB_TOKEN = "ghs_canary0123456789abcdefghijklmnopqrst"
FORK = 99


@dataclass
class Job:
    """A job's environment, and what came of what it ran."""

    pulls: PullRequests
    folder: Path
    environ: dict[str, str]

    def start(self, event: str, **payload: Any) -> None:
        """The event that starts the next commands."""
        repository = self.pulls.github.repository
        shown = {"id": repository.id, "full_name": repository.full_name}
        body = {"repository": shown, "sender": {"login": "ana"}, **payload}
        path = self.folder / "event.json"
        path.write_text(json.dumps(body))
        self.environ |= {"GITHUB_EVENT_NAME": event, "GITHUB_EVENT_PATH": str(path)}

    def start_of_pull_request(
        self, event: str = "pull_request_target", action: str = "synchronize"
    ) -> None:
        pull = self.pulls.github.repository.pull_requests[self.pulls.number]
        self.start(event, action=action, pull_request=show(pull))

    def start_of_comment(self, body: str, action: str = "created", author: str = "ben") -> int:
        number = self.pulls.number
        comment = self.pulls.github.write_comment(number, body, author)
        issue = {"number": number, "pull_request": {"url": "https://x.test/"}}
        self.start("issue_comment", action=action, issue=issue, sender={"login": author})
        return comment

    def run(self, *words: str) -> Result:
        # Each command is another step: nothing is remembered.
        return CliRunner().invoke(cli, ["ci", *words], env=self.environ, standalone_mode=False)

    def read_comments(self) -> list[str]:
        return self.pulls.github.repository.texts(self.pulls.number, LOGIN)

    def read_summary(self) -> str:
        return Path(self.environ["GITHUB_STEP_SUMMARY"]).read_text()


def show(pull: PullRequest) -> dict[str, Any]:
    head = {"sha": pull.head_sha, "repo": {"id": pull.head_repository}}
    return {"number": pull.number, "head": head}


@pytest.fixture
def job(storage: ObjectStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Job]:
    with serve_pull_requests(storage, tmp_path, monkeypatch) as pulls:
        github = pulls.github
        github.server.tokens[JOB_TOKEN] = LOGIN
        github.repository.permissions[LOGIN] = "write"
        monkeypatch.setattr(WritePace, "wait", lambda pace: None)
        monkeypatch.setattr(site, "Site", pulls.make_site)
        environ = {
            "GITHUB_TOKEN": JOB_TOKEN,
            "GITHUB_REPOSITORY": "acme/vision",
            "GITHUB_API_URL": github.server.url,
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
            "KUBECONFIG": pulls.world.environ["KUBECONFIG"],
        }
        yield Job(pulls=pulls, folder=tmp_path, environ=environ)


def break_spec(pulls: PullRequests) -> None:
    """Push to the pull request what cannot be right."""
    change(pulls.world.root, DEEP, "epochs: 50", "epochs: 0")
    head = commit(pulls.world.root)
    git(pulls.world.root, "update-ref", f"refs/pull/{pulls.number}/head", head)
    pulls.github.repository.push(pulls.number, head)


def test_a_pull_request_is_validated_at_its_lines(job: Job) -> None:
    break_spec(job.pulls)
    job.start_of_pull_request()
    done = job.run("validate")
    assert done.return_value == 2
    (line,) = done.stdout.splitlines()
    assert line.startswith(f"::error file={DEEP},line=")
    (check,) = job.pulls.github.repository.check_runs.values()
    assert (check.conclusion, check.title) == ("failure", "1 file, 1 error")
    assert [one["path"] for one in check.annotations] == [DEEP]
    assert DEEP in job.read_summary()


def test_of_a_fork_whose_token_reads_only_nothing_is_written(job: Job) -> None:
    break_spec(job.pulls)
    job.pulls.github.repository.pull_requests[job.pulls.number].head_repository = FORK
    job.start_of_pull_request("pull_request")
    done = job.run("validate")
    assert done.return_value == 2
    assert "::notice" in done.stdout and "::error file=" in done.stdout
    for words in (("plan",), ("apply",), ("report",)):
        told = job.run(*words)
        assert "reads only" in told.stdout and not told.return_value
    assert job.read_comments() == []
    assert not job.pulls.github.repository.check_runs
    assert not [one for one in job.pulls.github.server.asked if one.method != "GET"]


def test_a_plan_is_told_once_and_commands_are_left_to_another_job(job: Job) -> None:
    job.start_of_pull_request(action="opened")
    assert not job.run("plan").return_value
    (plan,) = job.read_comments()
    (check,) = job.pulls.github.repository.check_runs.values()
    assert (check.conclusion, check.title) == ("success", "1 plan, 0 errors")
    assert plan.partition("\n")[2].strip() in job.read_summary()
    job.start_of_comment(find_line(plan))
    job.start_of_pull_request()
    assert not job.run("plan").return_value
    assert job.read_comments() == [plan]
    assert job.pulls.world.server.workflows() == []


def find_line(plan: str) -> str:
    return next(line for line in plan.splitlines() if line.startswith("/vtspec apply "))


def test_a_comment_is_answered_and_its_run_told_of(job: Job) -> None:
    job.start_of_pull_request(action="opened")
    job.run("plan")
    asked = job.start_of_comment(find_line(job.read_comments()[0]))
    assert not job.run("apply").return_value
    (name,) = job.pulls.world.server.workflows()
    assert "runs: " in job.read_comments()[0]
    reactions = job.pulls.github.repository.reactions.values()
    assert {one.content for one in reactions if one.comment == asked} == {"eyes", "rocket"}
    assert not job.run("report").return_value
    (progress,) = [one for one in job.read_comments() if "vtspec:progress" in one]
    assert name in progress
    statuses = job.pulls.github.repository.statuses
    assert [(one.context, one.state) for one in statuses] == [("vtspec/deep", "pending")]
    # A schedule looks at all, and has nothing to say.
    before = job.read_comments()
    job.start("schedule")
    for words in (("apply", "--all"), ("report", "--all")):
        assert not job.run(*words).return_value
    assert job.read_comments() == before
    assert job.pulls.world.server.workflows() == [name]


def test_a_review_after_an_end_was_told_counts(job: Job) -> None:
    job.pulls.set_policy("approval")
    job.start_of_pull_request(action="opened")
    job.run("plan")
    names: list[str] = []
    for _ in range(2):
        job.pulls.pass_time(30)
        job.pulls.github.review(job.pulls.number, "ben", is_approved=True)
        job.start_of_pull_request("pull_request_review", "submitted")
        for words in (("apply",), ("report",)):
            assert not job.run(*words).return_value
        (name,) = {*job.pulls.world.server.workflows()} - {*names}
        names.append(name)
        job.pulls.world.server.play(name, {"phase": "Failed", "message": "no such image"})
        assert not job.run("report").return_value


def test_who_may_not_begins_nothing(job: Job) -> None:
    job.start_of_pull_request(action="opened")
    job.run("plan")
    asked = job.start_of_comment(find_line(job.read_comments()[0]), author="eve")
    assert not job.run("apply").return_value
    assert job.pulls.world.server.workflows() == []
    reactions = job.pulls.github.repository.reactions.values()
    assert [one.content for one in reactions if one.comment == asked] == ["-1"]


def test_an_edited_comment_is_no_command(job: Job) -> None:
    job.start_of_comment("/vtspec help", action="edited")
    done = job.run("apply")
    assert not done.return_value and "no command" in done.stderr
    assert job.read_comments() == []


def test_what_cannot_be_done_now_is_left_for_later(job: Job) -> None:
    job.pulls.world.server.is_down = True
    job.start_of_pull_request()
    assert job.run("plan").exception is not None
    assert job.read_comments() == []


@pytest.mark.parametrize("words", [("plan",), ("apply",), ("report",), ("validate",)])
def test_an_event_of_no_pull_request_asks_for_its_number(job: Job, words: tuple[str]) -> None:
    job.start("push", ref="refs/heads/main")
    done = job.run(*words)
    assert "--pull-request NUMBER" in str(done.exception)


@pytest.mark.parametrize("verb", ["apply", "report"])
def test_all_and_one_are_two_wishes(job: Job, verb: str) -> None:
    job.start("workflow_dispatch")
    done = job.run(verb, "--all", "--pull-request", "3")
    assert "leave one of them out" in str(done.exception)


def test_a_pull_request_may_be_named(job: Job) -> None:
    job.start("workflow_dispatch")
    assert not job.run("plan", "--pull-request", str(job.pulls.number)).return_value
    assert len(job.read_comments()) == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"pull_request": 7}', b"\xff"])
def test_an_event_that_cannot_be_read_is_no_pull_requests_and_may_write_nothing(
    body: bytes,
) -> None:
    event = read_event("pull_request", body)
    assert (event.number, event.is_read_only) == (None, True)


# The workflow that calls it.


def read_workflow() -> dict[Any, Any]:
    found = yaml.safe_load(WORKFLOW.read_text())
    assert isinstance(found, dict)
    return found


def list_steps() -> list[dict[str, Any]]:
    return [step for one in read_workflow()["jobs"].values() for step in one["steps"]]


def test_the_workflow_is_one_that_github_knows() -> None:
    vendor = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor"
    schema = json.loads((vendor / "github-workflows.json").read_text())
    found = read_workflow()
    # YAML 1.1 takes `on` for a truth value.
    found["on"] = found.pop(True)
    jsonschema.validate(found, schema)


def test_every_call_of_the_workflow_is_one_of_the_command_line() -> None:
    lines = [
        line.strip()
        for step in list_steps()
        for line in step.get("run", "").splitlines()
        if line.strip().startswith("vtspec ")
    ]
    assert len(lines) == 5
    for line in lines:
        words = shlex.split(line.replace('"$FOLLOW"', "0"))
        context = click.Context(cli)
        group = cli.get_command(context, words[1])
        assert isinstance(group, click.Group)
        command = group.get_command(context, words[2])
        assert command is not None, line
        # Raises where there is no such option.
        command.make_context(words[2], words[3:], parent=context)


def test_the_workflow_starts_nothing_of_a_pull_request() -> None:
    for step in list_steps():
        assert step.get("uses", "").partition("@")[0] in ("", "actions/setup-python")
        # What an expression gives is text of others, and would be a part of the script.
        assert "${{" not in step.get("run", "")


def test_each_input_and_secret_of_the_workflow_is_declared_and_used() -> None:
    declared = read_workflow()[True]["workflow_call"]
    text = WORKFLOW.read_text()
    for kind in ("inputs", "secrets"):
        used = {
            part.partition(" ")[0] for part in text.replace("}", " ").split(f"{{{{ {kind}.")[1:]
        }
        assert used == set(declared[kind])
