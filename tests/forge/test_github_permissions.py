"""What a GitHub App is to be allowed is what is asked of GitHub, and is written down once each.

GitHub's description of its API does not tell the permission of an operation; its documentation
does ("Permissions required for GitHub Apps"), as it stands here.
"""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from github_description import load_description
from github_server import GitHubServer, serve_github
from github_world import APP_ID, APP_SLUG
from vtspec.pipelines.forge.connection import connect_github
from vtspec.pipelines.forge.credentials import AppCredential, SecretFile
from vtspec.pipelines.forge.forge import Annotation, CheckReport, Forge, Status

ROOT = Path(__file__).parents[2]
SHA = "a" * 40
# Of an App itself, and of an account.
FREE = """\
GET /app
GET /repos/{owner}/{repo}/installation
POST /app/installations/{installation_id}/access_tokens
GET /user
"""
# Comments in a pull request are an issue's, and reactions to them too.
NEEDED = """\
metadata read GET /repos/{owner}/{repo}
metadata read GET /repos/{owner}/{repo}/collaborators/{username}/permission
pull requests read GET /repos/{owner}/{repo}/pulls
pull requests read GET /repos/{owner}/{repo}/pulls/{pull_number}
pull requests read GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews
issues read GET /repos/{owner}/{repo}/issues
issues read GET /repos/{owner}/{repo}/issues/comments
issues read GET /repos/{owner}/{repo}/issues/{issue_number}/comments
pull requests write POST /repos/{owner}/{repo}/issues/{issue_number}/comments
pull requests write PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}
issues read GET /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions
issues write POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions
issues write DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions/{reaction_id}
commit statuses read GET /repos/{owner}/{repo}/commits/{ref}/status
commit statuses write POST /repos/{owner}/{repo}/statuses/{sha}
checks read GET /repos/{owner}/{repo}/commits/{ref}/check-runs
checks write POST /repos/{owner}/{repo}/check-runs
checks write PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}
"""


def read_needed() -> dict[str, str]:
    """The permission of each operation."""
    lines = (re.fullmatch(r"(.+) (read|write) ([A-Z]+ \S+)", one) for one in NEEDED.splitlines())
    return {one[3]: f"{one[1]} {one[2]}" for one in lines if one is not None}


def sum_up(permissions: list[str]) -> dict[str, str]:
    """Each permission with the most that is needed of it; git reads contents."""
    found = {"contents": "read"}
    for one in permissions:
        name, _, access = one.rpartition(" ")
        found[name] = "write" if "write" in (access, found.get(name)) else "read"
    return found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHubServer]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (tmp_path / "app.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with serve_github(public.decode()) as found:
        bot = f"{APP_SLUG}[bot]"
        found.world.add_repository("acme/vision").permissions = {bot: "write", "ana": "write"}
        found.installations = {11: ["acme/vision"]}
        yield found


def ask_everything(forge: Forge, number: int) -> None:
    """Each verb of a forge once; the annotations are more than one request takes."""
    forge.find_repository()
    forge.find_login()
    forge.list_open_pull_requests()
    forge.get_pull_request(number)
    forge.list_merged_since(datetime(2026, 1, 1, tzinfo=UTC))
    forge.list_comments_since(datetime(2026, 1, 1, tzinfo=UTC))
    made = forge.create_comment(number, "<!-- vtspec:plan -->\nThe plan.")
    forge.list_comments(number)
    forge.update_comment(made.id, "<!-- vtspec:plan -->\nAnother plan.")
    forge.add_reaction(made.id, "eyes")
    forge.list_reactions(made.id)
    forge.remove_reaction(made.id, "eyes")
    forge.list_reviews(number)
    forge.get_permission("ana")
    forge.set_status(SHA, Status(context="vtspec/a", state="success", description="succeeded"))
    lines = [
        Annotation(path="a.yaml", line=n, end_line=n, message="wrong", title="t")
        for n in range(1, 52)
    ]
    forge.report_check(
        SHA,
        CheckReport(
            name="vtspec", conclusion="failure", title="51 errors", summary="", annotations=lines
        ),
    )


def test_the_permissions_are_of_all_that_is_asked_and_of_nothing_else(
    server: GitHubServer, tmp_path: Path
) -> None:
    world = server.world.find("acme/vision")
    assert world is not None
    number = world.open_pull_request(SHA).number
    credential = AppCredential(
        app_id=str(APP_ID), private_key=SecretFile(path=tmp_path / "app.pem")
    )
    with closing(connect_github(credential, server.url, write_pause_s=0.0)) as connection:
        ask_everything(connection.open("acme/vision"), number)
    description = load_description()
    asked = set()
    for one in server.asked:
        found = description.find(one.method, one.path)
        assert found is not None
        asked.add(str(found[0]))
    assert asked - {*FREE.splitlines()} == {*read_needed()}
    assert {str(one) for one in description.operations} == {*read_needed(), *FREE.splitlines()}


def read_documented() -> dict[str, str]:
    """The table of the manual."""
    text = (ROOT / "docs" / "pull-requests.md").read_text()
    table = text.partition("### What a GitHub App is allowed")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| ([a-z ]+) \| (read|write) \| .+ \|$", table, re.MULTILINE)
    return dict(rows)


def test_the_manual_has_each_permission_and_no_other() -> None:
    assert read_documented() == sum_up(list(read_needed().values()))


def test_the_job_of_a_repository_is_given_the_same() -> None:
    text = (ROOT / "docs" / "pull-requests.md").read_text()
    (given,) = re.findall(r"^permissions: \{(.+)\}$", text, re.MULTILINE)
    told = dict(one.split(": ") for one in given.split(", "))
    names = {"pull-requests": "pull requests", "statuses": "commit statuses"}
    # A job reads what is said of a repository anyway.
    expected = {key: value for key, value in read_documented().items() if key != "metadata"}
    assert {names.get(key, key): value for key, value in told.items()} == expected


def test_a_token_of_the_ten_commands_is_given_the_same_but_for_checks() -> None:
    text = (ROOT / "docs" / "cluster.md").read_text()
    told = re.search(r"fine-grained token for `acme/vision`: (.+?) to be read; (.+?) to be ", text)
    assert told is not None
    written = {*re.split(r", | and ", told[2])}
    expected = read_documented()
    assert {told[1]} == {name for name, access in expected.items() if access == "read"} - {
        # Every token may read that.
        "metadata"
    }
    assert written == {name for name, access in expected.items() if access == "write"} - {"checks"}
