"""Webhooks that arrive: from the fake GitHub, and from a real Gitea under `make forge-test`."""

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from forge_sites import GitHubSite, Site, serve_github_site
from github_webhooks import Webhooks
from vtspec.pipelines.forge.webhook import Subject
from webhook_receiver import WebhookReceiver, receive_webhooks

if TYPE_CHECKING:
    from gitea_site import GiteaSite

SECRET = "a secret of the webhook"


@pytest.fixture
def site() -> Iterator[GitHubSite]:
    with serve_github_site() as found:
        yield found


@pytest.fixture
def receiver(site: GitHubSite) -> Iterator[WebhookReceiver]:
    with receive_webhooks(SECRET, own_login=site.bot) as found:
        yield found


@pytest.fixture
def webhooks(site: GitHubSite, receiver: WebhookReceiver) -> Iterator[Webhooks]:
    with closing(Webhooks(site.server.world, receiver.url, SECRET)) as found:
        yield found


def _act(site: Site) -> int:
    """One pull request through all that people do with one."""
    number = site.open_pull_request()
    site.push(number)
    comment = site.write_comment(number, "/vtspec plan")
    site.edit_comment(comment, "/vtspec help")
    site.review(number, "ben", is_approved=True)
    site.merge(number)
    return number


def test_all_that_happens_to_a_pull_request_says_to_look_at_it(
    site: GitHubSite, webhooks: Webhooks, receiver: WebhookReceiver
) -> None:
    number = _act(site)
    assert set(webhooks.deliver()) == {204}
    about = Subject(repository_id=str(site.repository.id), repository="acme/vision", number=number)
    assert receiver.subjects() == [about] * 6


def test_what_the_bot_writes_calls_nobody(
    site: GitHubSite, webhooks: Webhooks, receiver: WebhookReceiver
) -> None:
    number = site.open_pull_request()
    site.forge.create_comment(number, "<!-- vtspec:plan -->")
    webhooks.deliver()
    assert len(receiver.received) == 2
    assert len(receiver.subjects()) == 1


def test_one_that_is_sent_again_is_the_same(
    site: GitHubSite, webhooks: Webhooks, receiver: WebhookReceiver
) -> None:
    site.open_pull_request()
    (delivery,) = webhooks.pending
    webhooks.deliver([delivery, delivery])
    ids = [headers["X-GitHub-Delivery"] for headers, _ in receiver.received]
    assert ids == [delivery.id] * 2
    assert webhooks.pending == []


def test_one_that_is_signed_with_another_secret_is_refused(
    site: GitHubSite, webhooks: Webhooks, receiver: WebhookReceiver
) -> None:
    webhooks.secret = "another secret"
    site.open_pull_request()
    assert webhooks.deliver() == [401]
    assert (receiver.received, receiver.refused) == ([], 1)


def test_they_come_by_themselves_where_that_is_wanted(
    site: GitHubSite, webhooks: Webhooks, receiver: WebhookReceiver
) -> None:
    webhooks.send_at_once()
    site.forge.create_comment(site.open_pull_request(), "hello")
    receiver.wait_for(lambda found: len(found) == 1)


@pytest.mark.forge
def test_a_real_gitea_signs_what_happens_and_it_is_understood(gitea: "GiteaSite") -> None:
    with (
        receive_webhooks(SECRET, own_login=gitea.bot) as receiver,
        gitea.webhook(receiver.url, SECRET),
    ):
        number = _act(gitea)
        known = gitea.forge.find_repository().id
        about = Subject(repository_id=known, repository="acme/vision", number=number)
        # Opened, pushed, two of a comment, reviewed, merged; and the push onto main.
        receiver.wait_for(lambda found: found.count(about) >= 6 and None in _numbers(found))
        assert _numbers(receiver.subjects()) == {number, None}
        before = receiver.subjects().count(about)
        gitea.forge.create_comment(number, "<!-- vtspec:result -->")
        other = gitea.open_pull_request()
        receiver.wait_for(lambda found: other in _numbers(found))
        assert receiver.subjects().count(about) == before
        assert receiver.refused == 0


def _numbers(found: list[Subject]) -> set[int | None]:
    return {one.number for one in found}
