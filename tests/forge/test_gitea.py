"""What of Gitea is not as of GitHub, on a real one."""

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.forge.api_client import ApiClient, ApiTerms
from vtspec.pipelines.forge.connection import connect_gitea
from vtspec.pipelines.forge.credentials import SecretVariable, TokenCredential
from vtspec.pipelines.forge.gitea import Gitea
from vtspec.pipelines.forge.sessions import open_http, open_token_session

if TYPE_CHECKING:
    from gitea_site import GiteaSite

pytestmark = pytest.mark.forge


def _credential(token: str) -> TokenCredential:
    return TokenCredential(
        token=SecretVariable(name="GITEA_TOKEN", environ={"GITEA_TOKEN": token})
    )


def test_who_does_not_administer_the_repository_is_told_to(gitea: "GiteaSite") -> None:
    token = gitea.make_token("ben")
    with closing(connect_gitea(_credential(token), gitea.server.url)) as connection:
        forge = connection.open("acme/vision")
        with pytest.raises(Permanent) as refused:
            forge.get_permission("ana")
    assert refused.value.fix == "make ben an administrator of acme/vision"


def test_a_token_without_a_scope_is_told(gitea: "GiteaSite") -> None:
    number = gitea.open_pull_request()
    token = gitea.make_token(gitea.bot, ["read:repository"])
    with closing(connect_gitea(_credential(token), gitea.server.url)) as connection:
        with pytest.raises(Permanent, match=r"403.*write:issue") as refused:
            connection.open("acme/vision").create_comment(number, "hello")
    assert token not in str(refused.value)


def test_a_wrong_token_is_told_by_where_it_is(gitea: "GiteaSite") -> None:
    with closing(connect_gitea(_credential("0" * 40), gitea.server.url)) as connection:
        with pytest.raises(Permanent, match=r"does not take the credential in \$GITEA_TOKEN"):
            connection.open("acme/vision").find_repository()


def test_a_server_that_is_none_is_told(gitea: "GiteaSite") -> None:
    token = gitea.make_token(gitea.bot)
    wrong = f"{gitea.server.url}/api/v1"
    with closing(connect_gitea(_credential(token), wrong)) as connection:
        with pytest.raises(Permanent, match="404"):
            connection.open("acme/vision").find_repository()


def test_the_owner_of_a_repository_is_an_administrator(gitea: "GiteaSite") -> None:
    assert gitea.forge.get_permission("root-admin") == "admin"


def test_a_review_that_was_only_asked_for_is_none(gitea: "GiteaSite") -> None:
    number = gitea.open_pull_request()
    path = f"/repos/acme/vision/pulls/{number}/requested_reviewers"
    gitea.ask("POST", path, {"reviewers": ["ben"]})
    assert gitea.forge.list_reviews(number) == []


def test_lists_are_read_from_all_of_their_pages(gitea: "GiteaSite") -> None:
    made = [gitea.open_pull_request() for _ in range(3)]
    for user in ("ben", "eve", "ben"):
        gitea.review(made[0], user, is_approved=True)
    credential = _credential(gitea.make_token(gitea.bot))
    http = open_http(f"{gitea.server.url}/api/v1", {})
    api = ApiClient(
        http,
        lambda: open_token_session(credential),
        credential="x",
        terms=ApiTerms(page={"limit": "2"}),
    )
    with closing(api):
        forge = Gitea("acme/vision", api)
        listed = [one.number for one in forge.list_open_pull_requests()]
        assert set(made) <= set(listed)
        assert listed == sorted(set(listed))
        assert [one.user for one in forge.list_reviews(made[0])] == ["ben", "eve", "ben"]


def test_a_comment_keeps_what_markdown_is_made_of(gitea: "GiteaSite") -> None:
    number = gitea.open_pull_request()
    body = "<!-- vtspec:plan -->\r\n> [!NOTE]\n<details>\n\n```mermaid\nx\n```\n\t&amp; \\`"
    made = gitea.forge.create_comment(number, body)
    assert gitea.forge.update_comment(made.id, body).body == made.body == body
