"""A repository to draft in, conversations, and drafters that ask a provider on loopback."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llm_server import Dialect, LlmServer, Reply
from vtspec.pipelines.drafting.llm import LlmDrafter, Provider, Settings
from vtspec.pipelines.drafting.result import Message, Question
from vtspec.pipelines.project.repository import Repository, find_repository
from vtspec.pipelines.redaction import Redactor

WORLD = Path(__file__).parents[2] / "benchmarks" / "words" / "world"

KEY = "k3y-of-the-provider-0123456789"


def a_repository(folder: Path) -> Repository:
    """The repository of the benchmark, copied to `folder`."""
    shutil.copytree(WORLD, folder / "world")
    return find_repository(folder / "world")


def an_experiment(called: str = "flowers-resnet50", /, **changes: Any) -> dict[str, Any]:
    """A sound Experiment as a model proposes it; `changes` replace parts of its spec."""
    spec = {
        "task": "image-classification",
        "model": {"name": "resnet50", "pretrained": True},
        "dataset": {"ref": "flowers"},
        "training": {"epochs": 50},
    }
    return {"metadata": {"name": called}, "spec": {**spec, **changes}}


def whole(draft: Mapping[str, Any], kind: str = "Experiment") -> dict[str, Any]:
    """The draft as vtspec returns it."""
    return {"apiVersion": "vtspec.dev/v1alpha1", "kind": kind, **draft}


def proposes(draft: Any, *assumptions: Any, kind: str = "experiment") -> Reply:
    """A model that proposes a spec."""
    answer = {"draft": draft, "assumptions": list(assumptions)}
    return Reply(calls=[(f"propose_{kind}", answer)])


def asks(field: Any, text: Any, choices: Any = (), draft: Any = None) -> Reply:
    """A model that asks."""
    return Reply(
        calls=[
            (
                "ask",
                {
                    "field": field,
                    "text": text,
                    "choices": list(choices) if isinstance(choices, tuple) else choices,
                    "draft": draft or {},
                    "assumptions": [],
                },
            )
        ]
    )


def refuses(reason: Any) -> Reply:
    """A model that refuses."""
    return Reply(calls=[("refuse", {"reason": reason})])


def person(text: str) -> Message:
    return Message(author="person", text=text)


def vtspec(
    text: str, draft: Mapping[str, Any] | None = None, question: Question | None = None
) -> Message:
    return Message(author="vtspec", text=text, draft=draft, question=question)


WORDS = (person("ResNet-50 on flowers, 50 epochs"),)


def a_provider(dialect: Dialect, base_url: str, key: str | None = KEY) -> Provider:
    """The provider that speaks a dialect, at an address of ours."""
    return Provider(
        name="openai" if dialect == "responses" else dialect,
        model="the-model",
        base_url=base_url,
        compatible=dialect == "openai",
        key=key,
    )


class Naps:
    """Waits no time, and remembers how long it was told to."""

    def __init__(self) -> None:
        self.told: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.told.append(seconds)


def a_drafter(
    server: LlmServer,
    *,
    settings: Settings | None = None,
    hidden: Redactor | None = None,
    naps: Naps | None = None,
) -> LlmDrafter:
    """A drafter that asks `server`; waits take no time."""
    provider = a_provider(server.dialect, server.base_url)
    return LlmDrafter(provider, settings=settings, hidden=hidden, sleep=naps or Naps())


def script(server: LlmServer, *steps: Any) -> Sequence[Any]:
    """Tell the server what to answer."""
    server.script[:] = steps
    return steps
