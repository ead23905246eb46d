"""A GitHub App: its tokens, and the check runs that only an App has."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from github_server import GitHubServer, serve_github
from github_world import APP_ID, APP_SLUG, CheckRun
from server_faults import Fault
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.forge.connection import connect_github
from vtspec.pipelines.forge.credentials import (
    AppCredential,
    SecretFile,
    SecretVariable,
    TokenCredential,
)
from vtspec.pipelines.forge.forge import Annotation, CheckReport, Conclusion, Forge

BOT = f"{APP_SLUG}[bot]"
SHA = "a" * 40
TOKENS = "POST /app/installations"


@pytest.fixture(scope="module")
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def server(private_key: rsa.RSAPrivateKey) -> Iterator[GitHubServer]:
    public = private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with serve_github(public.decode()) as found:
        for name in ("acme/vision", "acme/other", "omni/eyes"):
            found.world.add_repository(name).permissions = {BOT: "write"}
        found.installations = {11: ["acme/vision", "acme/other"], 12: ["omni/eyes"]}
        yield found


@pytest.fixture
def credential(private_key: rsa.RSAPrivateKey, tmp_path: Path) -> AppCredential:
    file = tmp_path / "app.pem"
    file.write_bytes(private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return AppCredential(app_id=str(APP_ID), private_key=SecretFile(path=file))


@pytest.fixture
def forge(server: GitHubServer, credential: AppCredential) -> Iterator[Forge]:
    with closing(connect_github(credential, server.url)) as connection:
        yield connection.open("acme/vision")


def a_report(
    count: int = 1, conclusion: Conclusion | None = "failure", title: str = "1 problem"
) -> CheckReport:
    return CheckReport(
        name="vtspec",
        conclusion=conclusion,
        title=title,
        summary="See below.",
        annotations=[
            Annotation(path="a.yaml", line=n, end_line=n, message=f"m{n}", title="t")
            for n in range(1, count + 1)
        ],
    )


def _runs(server: GitHubServer) -> list[CheckRun]:
    found = server.world.find("acme/vision")
    assert found is not None
    return list(found.check_runs.values())


def test_an_app_speaks_under_its_own_name(server: GitHubServer, forge: Forge) -> None:
    assert forge.find_login() == BOT
    world = server.world.find("acme/vision")
    assert world is not None
    number = world.open_pull_request(SHA).number
    assert forge.create_comment(number, "hello").author == BOT


def test_one_token_serves_until_it_ends(server: GitHubServer, forge: Forge) -> None:
    for _ in range(3):
        forge.find_repository()
    assert server.count(TOKENS) == 1


def test_a_token_that_is_about_to_end_is_made_anew(
    server: GitHubServer, credential: AppCredential
) -> None:
    server.token_life_s = 30
    with closing(connect_github(credential, server.url)) as connection:
        forge = connection.open("acme/vision")
        for _ in range(2):
            forge.find_repository()
    assert server.count(TOKENS) == 2


def test_a_token_that_was_taken_back_is_made_anew(server: GitHubServer, forge: Forge) -> None:
    forge.find_repository()
    server.tokens.clear()
    assert forge.find_repository().full_name == "acme/vision"
    assert server.count(TOKENS) == 2


def test_repositories_of_one_owner_share_an_installation(
    server: GitHubServer, credential: AppCredential
) -> None:
    with closing(connect_github(credential, server.url)) as connection:
        for name in ("acme/vision", "acme/other", "omni/eyes"):
            assert connection.open(name).find_repository().full_name == name
    assert server.count(TOKENS) == 2


def test_a_repository_without_the_app_says_to_install_it(
    server: GitHubServer, credential: AppCredential
) -> None:
    with closing(connect_github(credential, server.url)) as connection:
        with pytest.raises(Permanent, match="is not installed there") as refused:
            connection.open("acme/third")
    assert "Install App" in str(refused.value)


def test_an_app_that_is_taken_away_later_is_a_permanent_error(
    server: GitHubServer, forge: Forge
) -> None:
    server.installations.clear()
    server.tokens.clear()
    with pytest.raises(Permanent, match="404"):
        forge.find_repository()


def test_no_token_for_now_is_no_doubtful_comment(server: GitHubServer, forge: Forge) -> None:
    server.faults = [Fault(match=TOKENS, status=503)]
    with pytest.raises(Temporary, match="503"):
        forge.create_comment(1, "<!-- vtspec:plan -->")
    assert server.count("/comments") == 0


def test_a_wrong_key_is_told_by_its_file(server: GitHubServer, tmp_path: Path) -> None:
    file = tmp_path / "other.pem"
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    other = AppCredential(app_id=str(APP_ID), private_key=SecretFile(path=file))
    with closing(connect_github(other, server.url)) as connection:
        with pytest.raises(Permanent, match="does not take the credential") as refused:
            connection.open("acme/vision")
    assert str(file) in str(refused.value)


@pytest.mark.parametrize("text", ["no-key-at-all", "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n"])
def test_a_key_that_is_none_is_refused_unseen(
    server: GitHubServer, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "key.pem"
    file.write_text(text)
    wrong = AppCredential(app_id=str(APP_ID), private_key=SecretFile(path=file))
    with closing(connect_github(wrong, server.url)) as connection:
        with pytest.raises(Refused, match=r"key\.pem: is no private key") as refused:
            connection.open("acme/vision")
    assert "c2VjcmV0" not in str(refused.value)


def test_a_check_has_its_annotations_at_their_lines(server: GitHubServer, forge: Forge) -> None:
    forge.report_check(SHA, a_report())
    (run,) = _runs(server)
    assert (run.sha, run.name) == (SHA, "vtspec")
    assert (run.status, run.conclusion) == ("completed", "failure")
    assert (run.title, run.summary) == ("1 problem", "See below.")
    assert run.annotations == [
        {
            "path": "a.yaml",
            "start_line": 1,
            "end_line": 1,
            "annotation_level": "failure",
            "message": "m1",
            "title": "t",
        }
    ]


def test_many_annotations_go_fifty_at_a_time(server: GitHubServer, forge: Forge) -> None:
    forge.report_check(SHA, a_report(120))
    (run,) = _runs(server)
    assert [one["message"] for one in run.annotations] == [f"m{n}" for n in range(1, 121)]
    assert server.count("(POST|PATCH) .*/check-runs") == 3


def test_the_same_report_is_not_written_again(server: GitHubServer, forge: Forge) -> None:
    for count in (120, 120, 120):
        forge.report_check(SHA, a_report(count))
    assert len(_runs(server)) == 1
    assert server.count("(POST|PATCH) .*/check-runs") == 3


def test_another_report_replaces_the_one_before(server: GitHubServer, forge: Forge) -> None:
    forge.report_check(SHA, a_report(2))
    forge.report_check(SHA, a_report(0, "success", "sound"))
    last = _runs(server)[-1]
    assert (last.conclusion, last.annotations, last.title) == ("success", [], "sound")


def test_a_check_that_is_under_way_is_ended_in_place(server: GitHubServer, forge: Forge) -> None:
    forge.report_check(SHA, a_report(0, None, "it validates"))
    assert [one.status for one in _runs(server)] == ["in_progress"]
    forge.report_check(SHA, a_report(1))
    (run,) = _runs(server)
    assert (run.status, run.conclusion, len(run.annotations)) == ("completed", "failure", 1)


def test_annotations_of_one_that_is_under_way_are_not_doubled(
    server: GitHubServer, forge: Forge
) -> None:
    forge.report_check(SHA, a_report(2, None, "2 problems so far"))
    forge.report_check(SHA, a_report(2))
    assert [len(one.annotations) for one in _runs(server)] == [2, 2]
    assert _runs(server)[-1].conclusion == "failure"


def test_a_report_that_was_cut_short_is_written_anew(server: GitHubServer, forge: Forge) -> None:
    server.faults = [Fault(match="PATCH .*/check-runs", status=502)]
    with pytest.raises(Temporary):
        forge.report_check(SHA, a_report(60))
    forge.report_check(SHA, a_report(60))
    assert len(_runs(server)[-1].annotations) == 60


def test_a_check_of_another_app_is_left_alone(server: GitHubServer, forge: Forge) -> None:
    world = server.world.find("acme/vision")
    assert world is not None
    world.check_runs[1] = CheckRun(1, SHA, "vtspec", "someone", status="in_progress")
    forge.report_check(SHA, a_report())
    assert [(one.app, one.status) for one in _runs(server)] == [
        ("someone", "in_progress"),
        (APP_SLUG, "completed"),
    ]


def test_what_is_too_long_for_a_check_is_cut(server: GitHubServer, forge: Forge) -> None:
    long = Annotation(path="a", line=1, end_line=2, message="🚀" * 20_000, title="t" * 300)
    report = CheckReport(
        name="vtspec",
        conclusion="neutral",
        title="x" * 300,
        summary="s" * 70_000,
        annotations=[long],
    )
    forge.report_check(SHA, report)
    (run,) = _runs(server)
    assert run.title is not None and run.summary is not None
    (annotation,) = run.annotations
    assert (len(run.title), len(run.summary)) == (255, 65_535)
    assert len(annotation["message"].encode()) < 65_536
    assert len(annotation["title"]) == 255
    assert annotation["annotation_level"] == "warning"


def test_the_token_of_a_job_in_github_actions_has_check_runs(server: GitHubServer) -> None:
    server.tokens["ghs_job"] = BOT
    secret = SecretVariable(name="GITHUB_TOKEN", environ={"GITHUB_TOKEN": "ghs_job"})
    with closing(
        connect_github(TokenCredential(token=secret, login=BOT), server.url)
    ) as connection:
        connection.open("acme/vision").report_check(SHA, a_report())
    assert len(_runs(server)) == 1
