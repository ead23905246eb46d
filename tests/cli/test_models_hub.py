"""`vtspec models search --hub`, on a hub of this machine."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hub_server import HubRepository, HubServer, serving
from vtspec.cli.main import cli
from vtspec.pipelines.errors import Permanent, Temporary


def a_repository(family: str, pipeline: str, **more: Any) -> HubRepository:
    config = json.dumps({"model_type": family}).encode()
    return HubRepository(commits={"a" * 40: {"config.json": config}}, pipeline=pipeline, **more)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with serving() as found:
        monkeypatch.setenv("HF_ENDPOINT", found.endpoint)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        found.repositories = {
            "acme/rt-detr-cats": a_repository(
                "rt_detr_v2", "object-detection", parameters=42_000_000, downloads=7
            ),
            "acme/rt-detr-dogs": a_repository(
                "rt_detr_v2", "object-detection", licence="cc-by-nc-4.0", downloads=9, gated="auto"
            ),
            "acme/unknown-detector": a_repository("owl", "object-detection", licence=""),
            "acme/rt-detr-texts": a_repository("gpt2", "text-generation", downloads=50),
            "acme/rt-detr-timm": a_repository("x", "object-detection", library="timm"),
        }
        yield found


def search(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["models", "search", "--hub", *arguments])


def test_the_hubs_models_that_fit_are_shown_with_what_matters_to_a_spec(hub: HubServer) -> None:
    done = search("rt-detr", "--task", "object-detection")
    assert done.exit_code == 0
    heading, first, second, footnote = done.stdout.splitlines()
    assert heading.split() == [
        *("name", "hub's", "task", "family", "parameters", "licence", "downloads"),
        *("trains", "here"),
    ]
    assert first.split() == [
        *("acme/rt-detr-dogs", "object-detection", "rt_detr_v2", "-", "cc-by-nc-4.0", "!,"),
        *("gated", "9", "yes"),
    ]
    assert second.split() == [
        *("acme/rt-detr-cats", "object-detection", "rt_detr_v2", "42M", "apache-2.0", "7"),
        "yes",
    ]
    assert footnote.startswith("! not clearly permissive")


def test_a_family_that_nothing_here_trains_is_said(hub: HubServer) -> None:
    done = search("unknown", "--output", "json")
    assert json.loads(done.stdout) == {
        "models": [
            {
                "framework": "transformers",
                "name": "acme/unknown-detector",
                "family": "owl",
                "pipeline": "object-detection",
                "licence": None,
                "permissive": False,
                "parameters": None,
                "downloads": 0,
                "gated": False,
                "trainsHere": False,
            }
        ]
    }


def test_so_many_are_shown_as_are_asked_for(hub: HubServer) -> None:
    told = json.loads(search("rt-detr", "--limit", "1", "--output", "json").stdout)
    assert [one["name"] for one in told["models"]] == ["acme/rt-detr-texts"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nothing-like-it",), "has nothing for 'nothing-like-it'"),
        (("resnet", "--framework", "timm"), "timm knows its models by their names"),
        (("resnet", "--pretrained"), "--pretrained is of the catalogs"),
        (("resnet", "--framework", "tim"), "there is no framework 'tim'"),
    ],
)
def test_what_a_hub_cannot_answer_is_told(
    hub: HubServer, words: tuple[str, ...], told: str
) -> None:
    done = search(*words)
    assert done.exit_code == 2
    assert told in done.stderr


def test_a_hub_that_is_not_asked_or_does_not_answer_is_told(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    refused = search("rt-detr").exception
    assert isinstance(refused, Permanent)
    assert refused.fix is not None
    assert refused.fix.startswith("unset HF_HUB_OFFLINE")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    away = search("rt-detr").exception
    assert isinstance(away, Temporary)
    assert "127.0.0.1:9 did not answer" in away.message
