"""What every forge does alike: on the fake GitHub, and on a real Gitea under `make forge-test`."""

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from forge_sites import Site, serve_github_site
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.forge.forge import (
    LONGEST_COMMENT,
    Annotation,
    CheckReport,
    Conclusion,
    Reaction,
    Status,
    StatusState,
)

PLAN = "<!-- vtspec:plan -->\n| a | b |\n|---|---|\n| x | 5 % |\n\n```mermaid\npie\n```\n한국어 🚀"


@pytest.fixture(scope="module", params=["github", pytest.param("gitea", marks=pytest.mark.forge)])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    if request.param == "github":
        with serve_github_site() as github:
            yield github
    else:
        yield request.getfixturevalue("gitea")


def test_the_repository_is_known_by_an_id_and_its_default_branch(site: Site) -> None:
    found = site.forge.find_repository()
    assert found.id.isdecimal()
    assert (found.full_name, found.default_branch) == ("acme/vision", "main")
    assert found.clone_url.endswith("/acme/vision.git")


def test_our_own_login_is_whose_the_token_is(site: Site) -> None:
    assert site.forge.find_login() == site.bot


def test_a_pull_request_says_where_it_comes_from(site: Site) -> None:
    number = site.open_pull_request("Train `digits`")
    found = site.forge.get_pull_request(number)
    assert (found.number, found.title, found.state) == (number, "Train `digits`", "open")
    assert (found.author, found.base_ref, found.is_draft) == ("ana", "main", False)
    assert not found.is_fork
    assert found.head_repository == site.forge.find_repository().id
    assert re.fullmatch("[0-9a-f]{40}", found.head_sha)
    assert re.fullmatch("[0-9a-f]{40}", found.base_sha)
    assert found.url.startswith("http")
    assert found in site.forge.list_open_pull_requests()


def test_comments_of_late_are_found_whatever_their_pull_request(site: Site) -> None:
    first, second = site.open_pull_request(), site.open_pull_request()
    early = site.write_comment(first, "early")
    edited = site.write_comment(first, "to be edited")
    # Times are whole seconds.
    time.sleep(1.1)
    mark = site.write_comment(first, "mark")
    (written,) = [one for one in site.forge.list_comments(first) if one.id == mark]
    since = datetime.fromisoformat(written.created_at)
    late = site.write_comment(second, "late")
    site.edit_comment(edited, "edited")
    site.close(second)
    found = {one.id: (number, one.body) for number, one in site.forge.list_comments_since(since)}
    assert found[late] == (second, "late") and found[edited] == (first, "edited")
    assert early not in found


def test_what_was_merged_since_a_time_is_found(site: Site) -> None:
    early, closed, merged = (site.open_pull_request() for _ in range(3))
    site.merge(early)
    time.sleep(1.1)
    mark = site.write_comment(merged, "mark")
    (written,) = [one for one in site.forge.list_comments(merged) if one.id == mark]
    since = datetime.fromisoformat(written.created_at)
    site.close(closed)
    assert merged not in site.forge.list_merged_since(since)
    site.merge(merged)
    found = site.forge.list_merged_since(since)
    assert merged in found
    assert not {early, closed} & {*found}


def test_a_push_is_another_head(site: Site) -> None:
    number = site.open_pull_request()
    before = site.forge.get_pull_request(number).head_sha
    pushed = site.push(number)
    assert pushed != before
    assert site.forge.get_pull_request(number).head_sha == pushed


def test_a_draft_is_one(site: Site) -> None:
    number = site.open_pull_request(is_draft=True)
    assert site.forge.get_pull_request(number).is_draft


def test_a_pull_request_of_a_fork_is_of_another_repository(site: Site) -> None:
    found = site.forge.get_pull_request(site.open_from_fork())
    assert found.is_fork
    assert found.author == "eve"
    assert found.head_repository not in ("", site.forge.find_repository().id)


def test_one_that_is_over_is_no_longer_listed(site: Site) -> None:
    closed, merged = site.open_pull_request(), site.open_pull_request()
    site.close(closed)
    site.merge(merged)
    assert site.forge.get_pull_request(closed).state == "closed"
    found = site.forge.get_pull_request(merged)
    assert found.state == "merged" and found.merged_by and found.merged_at and found.merge_sha
    listed = {one.number for one in site.forge.list_open_pull_requests()}
    assert not listed & {closed, merged}


def test_pull_requests_are_listed_by_their_numbers(site: Site) -> None:
    made = [site.open_pull_request() for _ in range(3)]
    listed = [one.number for one in site.forge.list_open_pull_requests()]
    assert listed == sorted(listed)
    assert set(made) <= set(listed)


def test_a_pull_request_that_is_not_there_is_a_permanent_error(site: Site) -> None:
    with pytest.raises(Permanent, match="404"):
        site.forge.get_pull_request(9999)


def test_a_comment_comes_back_as_it_was_written(site: Site) -> None:
    number = site.open_pull_request()
    made = site.forge.create_comment(number, PLAN)
    assert (made.body, made.author) == (PLAN, site.bot)
    assert list(site.forge.list_comments(number)) == [made]
    assert made.created_at == made.updated_at
    assert made.url.startswith("http")


def test_a_comment_that_was_edited_says_so(site: Site) -> None:
    number = site.open_pull_request()
    comment = site.write_comment(number, "/vtspec plan")
    (before,) = site.forge.list_comments(number)
    assert (before.author, before.body) == ("ana", "/vtspec plan")
    assert before.updated_at == before.created_at
    site.edit_comment(comment, "/vtspec stop")
    (after,) = site.forge.list_comments(number)
    assert (after.id, after.body) == (before.id, "/vtspec stop")
    assert after.updated_at != after.created_at


def test_our_own_comment_is_updated_in_place(site: Site) -> None:
    number = site.open_pull_request()
    made = site.forge.create_comment(number, PLAN)
    changed = site.forge.update_comment(made.id, f"{PLAN}\nmore")
    assert (changed.id, changed.body) == (made.id, f"{PLAN}\nmore")
    assert [one.body for one in site.forge.list_comments(number)] == [f"{PLAN}\nmore"]


def test_comments_come_the_oldest_first_and_all_of_them(site: Site) -> None:
    number = site.open_pull_request()
    written = [site.write_comment(number, f"comment {each}") for each in range(103)]
    assert [one.id for one in site.forge.list_comments(number)] == written


@pytest.mark.parametrize("body", ["x" * (LONGEST_COMMENT + 1), "", " \n"])
def test_a_comment_that_no_forge_takes_is_refused_before_it_is_sent(site: Site, body: str) -> None:
    number = site.open_pull_request()
    with pytest.raises(Refused):
        site.forge.create_comment(number, body)
    assert not site.forge.list_comments(number)


def test_a_comment_of_the_longest_length_is_taken(site: Site) -> None:
    number = site.open_pull_request()
    body = "한" * LONGEST_COMMENT
    assert site.forge.create_comment(number, body).body == body


def test_a_reaction_is_added_once_and_taken_back(site: Site) -> None:
    comment = site.write_comment(site.open_pull_request(), "/vtspec apply")
    assert list(site.forge.list_reactions(comment)) == []
    for _ in range(2):
        site.forge.add_reaction(comment, "eyes")
    site.forge.add_reaction(comment, "-1")
    assert {(one.content, one.user) for one in site.forge.list_reactions(comment)} == {
        ("eyes", site.bot),
        ("-1", site.bot),
    }
    for _ in range(2):
        site.forge.remove_reaction(comment, "eyes")
    assert list(site.forge.list_reactions(comment)) == [Reaction(content="-1", user=site.bot)]


def test_reactions_of_others_stay_and_those_without_a_meaning_are_left_out(site: Site) -> None:
    comment = site.write_comment(site.open_pull_request(), "/vtspec apply")
    for content in ("eyes", "heart"):
        site.react(comment, content, "ben")
    site.forge.add_reaction(comment, "eyes")
    site.forge.remove_reaction(comment, "eyes")
    assert list(site.forge.list_reactions(comment)) == [Reaction(content="eyes", user="ben")]


def test_a_reaction_is_no_edit_of_a_comment(site: Site) -> None:
    number = site.open_pull_request()
    site.forge.add_reaction(site.write_comment(number, "/vtspec apply"), "eyes")
    time.sleep(1.1)
    (comment,) = site.forge.list_comments(number)
    site.forge.add_reaction(comment.id, "rocket")
    site.forge.remove_reaction(comment.id, "eyes")
    assert list(site.forge.list_comments(number)) == [comment]


def test_a_review_says_of_which_commit_it_is(site: Site) -> None:
    number = site.open_pull_request()
    head = site.forge.get_pull_request(number).head_sha
    site.review(number, "ben", is_approved=True)
    (found,) = site.forge.list_reviews(number)
    assert (found.user, found.is_approved, found.is_dismissed) == ("ben", True, False)
    assert found.commit_sha == head
    assert found.submitted_at.endswith("Z") or "+" in found.submitted_at


def test_a_review_that_asks_for_changes_is_no_approval(site: Site) -> None:
    number = site.open_pull_request()
    site.review(number, "ben", is_approved=False)
    assert [one.is_approved for one in site.forge.list_reviews(number)] == [False]


def test_a_dismissed_review_says_so(site: Site) -> None:
    number = site.open_pull_request()
    site.review(number, "ben", is_approved=True)
    site.dismiss_reviews(number)
    assert [one.is_dismissed for one in site.forge.list_reviews(number)] == [True]


def test_permissions_are_looked_up_as_they_are_now(site: Site) -> None:
    assert site.forge.get_permission("ben") == "write"
    site.grant("ben", "read")
    assert site.forge.get_permission("ben") == "read"
    site.grant("ben", "admin")
    assert site.forge.get_permission("ben") == "admin"
    site.grant("ben", "write")


def test_a_stranger_reads_what_is_public_and_who_is_unknown_does_nothing(site: Site) -> None:
    assert site.forge.get_permission("eve") == "read"
    assert site.forge.get_permission("nobody-of-that-name") == "none"
    assert site.forge.get_permission("") == "none"


def test_a_status_replaces_the_one_before(site: Site) -> None:
    sha = site.forge.get_pull_request(site.open_pull_request()).head_sha
    states: list[tuple[StatusState, str]] = [
        ("pending", "it trains"),
        ("success", "accuracy 0.97"),
    ]
    for state, text in states:
        told = Status(
            context="vtspec/digits", state=state, description=text, url="https://x.test/"
        )
        site.forge.set_status(sha, told)
    assert site.find_statuses(sha) == {"vtspec/digits": ("success", "accuracy 0.97")}


def test_a_status_that_stands_is_not_set_again(site: Site) -> None:
    sha = site.forge.get_pull_request(site.open_pull_request()).head_sha
    told = Status(context="vtspec", state="failure", description="z" * 200)
    for _ in range(3):
        site.forge.set_status(sha, told)
    assert site.count_statuses(sha) == 1
    site.forge.set_status(sha, Status(context="vtspec", state="failure", description="other"))
    assert site.count_statuses(sha) == 2


def test_a_status_takes_no_later_ones_place(site: Site) -> None:
    sha = site.forge.get_pull_request(site.open_pull_request()).head_sha
    last = Status(context="vtspec/digits", state="success", description="accuracy 0.97")
    site.forge.set_status(sha, last)
    told = replace(last, state="pending", description="it trains")
    with pytest.raises(Temporary, match=r"vtspec/digits of .* was set by somebody else meanwhile"):
        site.forge.set_status(sha, told, datetime(2020, 1, 1, tzinfo=UTC))
    assert site.find_statuses(sha) == {"vtspec/digits": ("success", "accuracy 0.97")}
    site.forge.set_status(sha, told, datetime(2100, 1, 1, tzinfo=UTC))
    # Of another context it is another one.
    other = replace(last, context="vtspec/birds")
    site.forge.set_status(sha, other, datetime(2020, 1, 1, tzinfo=UTC))
    assert set(site.find_statuses(sha).values()) == {
        ("pending", "it trains"),
        ("success", "accuracy 0.97"),
    }


def test_a_description_that_is_too_long_is_cut(site: Site) -> None:
    sha = site.forge.get_pull_request(site.open_pull_request()).head_sha
    site.forge.set_status(sha, Status(context="vtspec", state="error", description="y" * 141))
    assert site.find_statuses(sha) == {"vtspec": ("error", "y" * 139 + "…")}


def test_a_check_without_check_runs_is_a_status(site: Site) -> None:
    sha = site.forge.get_pull_request(site.open_pull_request()).head_sha
    states = []
    conclusions: tuple[Conclusion | None, ...] = (None, "failure", "neutral", "success")
    for conclusion in conclusions:
        report = CheckReport(
            name="vtspec/validate",
            conclusion=conclusion,
            title=f"says {conclusion}",
            summary="",
            annotations=[Annotation(path="a.yaml", line=1, end_line=1, message="m", title="t")],
        )
        site.forge.report_check(sha, report)
        states.append(site.find_statuses(sha)["vtspec/validate"])
    assert states == [
        ("pending", "says None"),
        ("failure", "says failure"),
        ("success", "says neutral"),
        ("success", "says success"),
    ]
