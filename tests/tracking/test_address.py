"""An address holds no secret once it has entered; nor does a text that quotes it."""

import json

import pytest

from builders import a_dataset, a_project
from vtspec.pipelines.address import parse_address
from vtspec.pipelines.redaction import make_redactor
from vtspec.schema.load import load

CANARY = "c4n%40ry-4711"

SECRET = [
    (f"http://me:{CANARY}@host:5000/mlflow", "http://host:5000/mlflow"),
    (f"https://{CANARY}@host/x", "https://host/x"),
    (f"https://:{CANARY}@host", "https://host"),
    (f"http://me:p@{CANARY}@host", "http://host"),
    (
        f"postgresql+psycopg2://me:{CANARY}@host/db?sslmode=on",
        "postgresql+psycopg2://host/db?sslmode=on",
    ),
    (f"postgresql://host/db?user=me&password={CANARY}", "postgresql://host/db?user=me"),
    (f"https://host/x?access_token={CANARY}", "https://host/x"),
    (f"git+https://me:{CANARY}@host/repo.git", "git+https://host/repo.git"),
    (f"s3://key:{CANARY}@bucket", "s3://bucket"),
]

PLAIN = [
    "http://host:5000",
    "sqlite:////home/a@b:c/runs/mlflow.db",
    "ssh://git@github.com/acme/data.git",
    "git@github.com:acme/data.git",
    "../data@v1:x",
    "https://host/a@b?version=1",
]


@pytest.mark.parametrize(("text", "shown"), SECRET)
def test_what_is_kept_of_an_address_holds_no_secret(text: str, shown: str) -> None:
    address = parse_address(text)
    assert (shown, shown) == (address.uri, str(address))
    assert CANARY not in repr(address) and text == address.full


@pytest.mark.parametrize("text", PLAIN)
def test_an_address_without_a_secret_stays_as_it_is(text: str) -> None:
    assert (text, None, None) == (
        (found := parse_address(text)).uri,
        found.user,
        found.password,
    )


def test_user_and_password_are_decoded() -> None:
    address = parse_address("http://a%20b:p%40ss%3A@host")
    assert ("a b", "p@ss:") == (address.user, address.password)


@pytest.mark.parametrize("text", [text for text, _ in SECRET])
def test_a_text_that_quotes_an_address_is_masked(text: str) -> None:
    said = f"cannot reach '{text}': refused"
    shown = make_redactor({}).redact_text(said)
    assert CANARY not in shown and "refused" in shown


@pytest.mark.parametrize("text", PLAIN)
def test_a_text_with_other_addresses_stays(text: str) -> None:
    assert f"at {text}: no" == make_redactor({}).redact_text(f"at {text}: no")


@pytest.mark.parametrize("form", ["c4n@ry-4711", CANARY, "bWU6YzRuQHJ5LTQ3MTE="])
def test_a_password_is_masked_in_every_form_that_a_server_may_echo(form: str) -> None:
    hidden = make_redactor({}).with_address(parse_address(f"http://me:{CANARY}@host"))
    assert form not in hidden.redact_text(f"wrong: {form}!")


GIVEN = [(text, 1) for text, _ in SECRET] + [(text, 0) for text in PLAIN]


@pytest.mark.parametrize(("text", "problems"), GIVEN)
def test_a_committed_file_may_hold_no_secret(text: str, problems: int) -> None:
    source = {"dvc": {"path": "data/x", "repo": text, "rev": "v1"}}
    for written in (a_project(tracking={"uri": text}), a_dataset(source=source)):
        found = load(json.dumps(written), "f.yaml").problems
        told = [one for one in found if "this file is committed" in one.message]
        assert problems == len(told), written
