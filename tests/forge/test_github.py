"""GitHub's limits, ETags, faults and credentials, on a fake that is held to its description."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from forge_sites import REPOSITORY, TOKEN, GitHubSite, serve_github_site
from github_server import LIMIT, serve_github
from loopback import running
from server_faults import Fault
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.forge.api_errors import Unanswered
from vtspec.pipelines.forge.connection import connect_github
from vtspec.pipelines.forge.credentials import SecretFile, SecretVariable, TokenCredential
from vtspec.pipelines.forge.forge import Forge

PLAN = "<!-- vtspec:plan -->\nThe plan."
COMMENTS = "POST .*/comments"


@pytest.fixture
def site() -> Iterator[GitHubSite]:
    with serve_github_site() as found:
        yield found


def test_what_has_not_changed_is_asked_for_free(site: GitHubSite) -> None:
    number = site.open_pull_request()
    site.write_comment(number, "hello")
    first = (site.forge.list_open_pull_requests(), site.forge.list_comments(number))
    left = site.server.remaining
    assert (site.forge.list_open_pull_requests(), site.forge.list_comments(number)) == first
    assert site.server.remaining == left < LIMIT
    assert all(one.is_conditional for one in site.server.asked[-2:])


def test_what_has_changed_is_seen_at_once(site: GitHubSite) -> None:
    number = site.open_pull_request()
    comment = site.write_comment(number, "before")
    site.forge.list_comments(number)
    site.edit_comment(comment, "after")
    assert [one.body for one in site.forge.list_comments(number)] == ["after"]


def test_every_page_of_an_unchanged_list_is_free(site: GitHubSite) -> None:
    number = site.open_pull_request()
    written = [site.write_comment(number, "x") for _ in range(201)]
    for _ in range(2):
        assert [one.id for one in site.forge.list_comments(number)] == written
    assert site.server.remaining == LIMIT - 3


def test_a_used_up_limit_is_waited_for_without_a_request(site: GitHubSite) -> None:
    site.server.remaining, site.server.reset = 0, site.clock() + 600
    with pytest.raises(Temporary) as refused:
        site.forge.list_open_pull_requests()
    assert refused.value.delay_s == pytest.approx(600, abs=2)
    site.clock.time += 590
    for ask in (site.forge.find_repository, site.forge.list_open_pull_requests):
        with pytest.raises(Temporary, match="no request for"):
            ask()
    assert len(site.server.asked) == 1
    site.clock.time += 20
    assert site.forge.list_open_pull_requests() == []


def test_the_last_request_of_a_limit_is_the_last_one(site: GitHubSite) -> None:
    site.server.remaining = 1
    site.forge.find_repository()
    with pytest.raises(Temporary):
        site.forge.find_repository()
    assert len(site.server.asked) == 1


def test_repositories_of_a_credential_share_its_limit(site: GitHubSite) -> None:
    site.server.world.add_repository("acme/other").permissions = {site.bot: "write"}
    other = site.connection.open("acme/other")
    site.server.remaining = 0
    with pytest.raises(Temporary):
        site.forge.find_repository()
    with pytest.raises(Temporary):
        other.find_repository()
    assert len(site.server.asked) == 1


@pytest.mark.parametrize("status", [403, 429])
def test_a_secondary_limit_is_waited_for_as_long_as_it_says(site: GitHubSite, status: int) -> None:
    number = site.open_pull_request()
    site.server.faults = [Fault(match=COMMENTS, status=status, headers={"Retry-After": "90"})]
    with pytest.raises(Temporary) as refused:
        site.forge.create_comment(number, PLAN)
    assert refused.value.delay_s == pytest.approx(90)
    site.clock.time += 89
    with pytest.raises(Temporary):
        site.forge.create_comment(number, PLAN)
    assert site.server.count(COMMENTS) == 1
    site.clock.time += 2
    site.forge.create_comment(number, PLAN)
    assert site.repository.texts(number, site.bot) == [PLAN]


def test_a_secondary_limit_that_says_nothing_doubles_from_a_minute(site: GitHubSite) -> None:
    message = "You have exceeded a secondary rate limit."
    site.server.faults = [Fault(match="GET", times=8, status=403, message=message)]
    waits = []
    for _ in range(8):
        with pytest.raises(Temporary) as refused:
            site.forge.find_repository()
        waits.append(round(refused.value.delay_s))
        site.clock.time += refused.value.delay_s
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    site.forge.find_repository()
    site.server.faults = [Fault(match="GET", status=429)]
    with pytest.raises(Temporary) as refused:
        site.forge.find_repository()
    assert refused.value.delay_s == pytest.approx(60)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_failure_of_the_server_is_told_and_not_tried_again_here(
    site: GitHubSite, status: int
) -> None:
    site.server.faults = [Fault(match="GET", status=status)]
    with pytest.raises(Temporary, match=str(status)) as refused:
        site.forge.list_open_pull_requests()
    assert refused.value.delay_s > 0
    assert len(site.server.asked) == 1


def test_a_server_that_hangs_up_is_told(site: GitHubSite) -> None:
    site.server.faults = [Fault(match="GET", drop="before")]
    with pytest.raises(Temporary, match="no answer"):
        site.forge.find_repository()


def test_who_never_was_reached_has_no_doubtful_comment() -> None:
    credential = TokenCredential(token=SecretVariable(name="T", environ={"T": TOKEN}))
    with running() as fake:
        port = fake.endpoint
    with closing(connect_github(credential, port)) as connection:
        with pytest.raises(Temporary) as refused:
            connection.open(REPOSITORY).create_comment(1, PLAN)
    assert not isinstance(refused.value, Unanswered)


def test_a_comment_whose_answer_was_lost_is_found(site: GitHubSite) -> None:
    number = site.open_pull_request()
    for each in range(120):
        site.write_comment(number, f"comment {each}")
    site.server.faults = [Fault(match=COMMENTS, drop="after")]
    made = site.forge.create_comment(number, PLAN)
    assert site.repository.texts(number, site.bot) == [PLAN]
    assert made.id in site.repository.comments
    assert site.server.count(COMMENTS) == 1


def test_a_lost_comment_that_the_list_does_not_show_yet_is_not_written_twice(
    site: GitHubSite,
) -> None:
    number = site.open_pull_request()
    site.server.faults = [
        Fault(match=COMMENTS, drop="after"),
        Fault(match="GET .*/comments", is_stale=True),
    ]
    with pytest.raises(Unanswered):
        site.forge.create_comment(number, PLAN)
    made = site.forge.create_comment(number, PLAN)
    assert site.repository.texts(number, site.bot) == [made.body] == [PLAN]


@pytest.mark.parametrize("status", [None, 502])
def test_a_comment_that_never_arrived_is_written_the_next_time(
    site: GitHubSite, status: int | None
) -> None:
    number = site.open_pull_request()
    drop = "before" if status is None else None
    site.server.faults = [Fault(match=COMMENTS, drop=drop, status=status)]
    with pytest.raises(Unanswered):
        site.forge.create_comment(number, PLAN)
    assert site.repository.texts(number, site.bot) == []
    site.forge.create_comment(number, PLAN)
    assert site.repository.texts(number, site.bot) == [PLAN]


def test_our_comment_is_in_a_list_that_is_behind(site: GitHubSite) -> None:
    number, other = site.open_pull_request(), site.open_pull_request()
    theirs = site.write_comment(number, "hello")
    made = site.forge.create_comment(number, PLAN)
    site.server.faults = [Fault(match="GET .*/comments", times=2, is_stale=True)]
    assert [one.id for one in site.forge.list_comments(number)] == [theirs, made.id]
    assert list(site.forge.list_comments(other)) == []
    assert [one.id for one in site.forge.list_comments(number)] == [theirs, made.id]


def test_our_comment_that_is_gone_is_not_there_for_long(site: GitHubSite) -> None:
    number = site.open_pull_request()
    site.repository.delete_comment(site.forge.create_comment(number, PLAN).id)
    site.clock.time += 61
    assert list(site.forge.list_comments(number)) == []


def test_a_text_that_someone_changed_after_us_is_theirs(site: GitHubSite) -> None:
    number = site.open_pull_request()
    made = site.forge.create_comment(number, PLAN)
    site.forge.update_comment(made.id, f"{PLAN} 2")
    site.edit_comment(made.id, "mine now")
    assert [one.body for one in site.forge.list_comments(number)] == ["mine now"]


def test_a_lost_comment_is_brought_up_to_what_is_written_now(site: GitHubSite) -> None:
    number = site.open_pull_request()
    site.server.faults = [
        Fault(match=COMMENTS, drop="after"),
        Fault(match="GET .*/comments", is_stale=True),
    ]
    with pytest.raises(Unanswered):
        site.forge.create_comment(number, PLAN)
    later = f"{PLAN}\nOf another commit."
    assert site.forge.create_comment(number, later).body == later
    assert site.repository.texts(number, site.bot) == [later]


def test_a_marker_that_someone_else_wrote_is_not_ours(site: GitHubSite) -> None:
    number = site.open_pull_request()
    site.write_comment(number, PLAN, author="eve")
    site.server.faults = [Fault(match=COMMENTS, drop="before")]
    with pytest.raises(Unanswered):
        site.forge.create_comment(number, PLAN)
    site.forge.create_comment(number, PLAN)
    assert site.repository.texts(number, site.bot) == [PLAN]
    assert site.repository.texts(number, "eve") == [PLAN]


def test_two_comments_with_other_markers_are_two(site: GitHubSite) -> None:
    number = site.open_pull_request()
    other = "<!-- vtspec:reply 1 -->\nDone."
    site.forge.create_comment(number, other)
    site.server.faults = [Fault(match=COMMENTS, drop="after")]
    site.forge.create_comment(number, PLAN)
    assert site.repository.texts(number, site.bot) == [other, PLAN]


def test_a_next_page_on_another_host_is_not_asked(site: GitHubSite) -> None:
    number = site.open_pull_request()
    for _ in range(101):
        site.write_comment(number, "x")
    with running() as thief:
        site.server.link_origin = thief.endpoint
        with pytest.raises(Permanent, match="another host"):
            site.forge.list_comments(number)
        assert thief.asked == []


def test_a_list_without_an_end_is_given_up() -> None:
    credential = TokenCredential(token=SecretVariable(name="T", environ={"T": TOKEN}))

    def answer_again(request):  # type: ignore[no-untyped-def]
        request.send_response(200)
        request.send_header("Link", f'<{fake.endpoint}{request.path}>; rel="next"')
        request.send_header("Content-Length", "2")
        request.end_headers()
        request.wfile.write(b"[]")

    with running() as fake:
        fake.answer = answer_again
        with closing(connect_github(credential, fake.endpoint)) as connection:
            with pytest.raises(Permanent, match="more than 30 pages"):
                connection.open(REPOSITORY).list_comments(1)
        assert len(fake.asked) == 30


def test_a_repository_that_was_renamed_is_followed(site: GitHubSite) -> None:
    number = site.open_pull_request()
    site.repository.full_name = "acme/eyes"
    site.server.moved = {"acme/vision": "acme/eyes"}
    assert site.forge.find_repository().full_name == "acme/eyes"
    site.forge.create_comment(number, PLAN)
    assert site.repository.texts(number, site.bot) == [PLAN]
    assert [one.body for one in site.forge.list_comments(number)] == [PLAN]


def test_one_that_moves_in_a_circle_is_given_up(site: GitHubSite) -> None:
    site.server.moved = {"acme/vision": "acme/vision"}
    with pytest.raises(Permanent, match="circle"):
        site.forge.find_repository()
    assert len(site.server.asked) < 5


def test_a_token_does_not_go_to_another_host(site: GitHubSite) -> None:
    with running() as thief:
        headers = {"Location": f"{thief.endpoint}/repos/acme/vision"}
        site.server.faults = [Fault(match="GET", status=301, headers=headers)]
        with pytest.raises(Permanent, match="another host"):
            site.forge.find_repository()
        assert thief.asked == []


def test_a_rotated_token_is_read_again(site: GitHubSite, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    credential = TokenCredential(token=SecretFile(path=file))
    with closing(connect_github(credential, site.server.url)) as connection:
        forge = connection.open(REPOSITORY)
        forge.find_repository()
        site.server.tokens = {"ghp_new0123456789": site.bot}
        file.write_text("ghp_new0123456789\n")
        assert forge.find_repository().full_name == REPOSITORY
        site.server.tokens = {}
        with pytest.raises(Permanent) as refused:
            forge.find_repository()
    assert str(refused.value).endswith(f"fix: put one that is valid into {file}")
    assert "ghp_" not in str(refused.value)


def test_a_rotated_token_is_read_again_by_all_who_ask_at_once(
    site: GitHubSite, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    credential = TokenCredential(token=SecretFile(path=file))
    with closing(connect_github(credential, site.server.url)) as connection:
        forge = connection.open(REPOSITORY)
        forge.find_repository()
        site.server.tokens = {"ghp_new0123456789": site.bot}
        file.write_text("ghp_new0123456789")
        with ThreadPoolExecutor(16) as threads:
            asked = [threads.submit(forge.find_repository) for _ in range(64)]
        assert {one.result().full_name for one in asked} == {REPOSITORY}


def test_what_is_not_allowed_names_what_would_be(site: GitHubSite) -> None:
    site.grant(site.bot, "read")
    headers = {"X-Accepted-GitHub-Permissions": "statuses=write"}
    site.server.faults = [Fault(match="POST", status=403, headers=headers, message="Forbidden")]
    with pytest.raises(Permanent) as refused:
        site.forge.add_reaction(site.write_comment(site.open_pull_request(), "x"), "eyes")
    assert refused.value.fix == "give who asks with $GITHUB_TOKEN the permission statuses=write"


def test_no_error_shows_a_token_that_the_server_says_back(site: GitHubSite) -> None:
    site.server.faults = [Fault(match="GET", status=403, message=f"no rights for {TOKEN}")]
    with pytest.raises(Permanent) as refused:
        site.forge.find_repository()
    assert TOKEN not in f"{refused.value}"
    assert TOKEN not in repr(site.credential)


def test_no_log_shows_a_token(site: GitHubSite, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        site.forge.find_repository()
        site.server.faults = [Fault(match="GET", drop="before")]
        with pytest.raises(Temporary):
            site.forge.list_open_pull_requests()
    assert len(caplog.records) > 5
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n<html", Temporary),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 50\r\n\r\n{}", Temporary),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", Permanent),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\n[[]]", Permanent),
        (b"nothing that is HTTP\r\n\r\n", Temporary),
    ],
)
def test_an_answer_that_is_none_is_told(
    site: GitHubSite, raw: bytes, kind: type[Exception]
) -> None:
    for ask in (site.forge.find_repository, site.forge.list_open_pull_requests):
        site.server.faults = [Fault(match="GET", raw=raw)]
        with pytest.raises(kind):
            ask()


def test_an_account_or_a_fork_that_is_gone_is_empty(site: GitHubSite) -> None:
    number = site.open_from_fork()
    found = site.repository.pull_requests[number]
    found.head_repository = None
    site.repository.write_comment(number, "/vtspec apply").author = None
    shown = site.forge.get_pull_request(number)
    assert (shown.head_repository, shown.is_fork) == ("", True)
    assert [one.author for one in site.forge.list_comments(number)] == [""]


def test_a_locked_conversation_is_a_permanent_error(site: GitHubSite) -> None:
    number = site.open_pull_request()
    site.grant(site.bot, "read")
    site.repository.is_locked = True
    with pytest.raises(Permanent, match="locked"):
        site.forge.create_comment(number, PLAN)


@pytest.mark.parametrize("name", ["vision", "acme/", "acme/vision/x", "../x", "acme/..", "a b/c"])
def test_a_name_that_is_no_repository_is_refused(site: GitHubSite, name: str) -> None:
    with pytest.raises(Refused, match="OWNER/NAME"):
        site.connection.open(name)


@pytest.mark.parametrize("url", ["api.github.com", "https://user:secret-1@x.test", "file:///x"])
def test_an_address_that_is_none_is_refused_without_its_secret(url: str) -> None:
    credential = TokenCredential(token=SecretVariable(name="T", environ={"T": TOKEN}))
    with pytest.raises(Refused) as refused:
        connect_github(credential, url)
    assert "secret-1" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "  \n", "two words", "tökén", "a\nb"])
def test_a_secret_that_is_no_token_is_refused_unseen(tmp_path: Path, text: str) -> None:
    file = tmp_path / "token"
    file.write_text(text)
    secrets = (SecretFile(path=file), SecretVariable(name="T", environ={"T": text}))
    for secret in secrets:
        with pytest.raises(Refused) as refused:
            connect_github(TokenCredential(token=secret))
        assert "words" not in str(refused.value)
        assert str(secret) in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="none: cannot be read"):
        SecretFile(path=tmp_path / "none").read()


def test_the_fake_is_held_to_githubs_description() -> None:
    with pytest.raises(AssertionError, match="bod is unknown"), serve_github() as server:
        server.world.add_repository(REPOSITORY)
        httpx.post(f"{server.url}/repos/{REPOSITORY}/issues/1/comments", json={"bod": "x"})


def test_a_forge_is_what_the_interface_says(site: GitHubSite) -> None:
    forge: Forge = site.forge
    assert forge.repository == REPOSITORY
