"""Texts drafted offline in the words benchmark's repository, and what was read of them."""

from pathlib import Path
from typing import Any

from vtspec.pipelines.drafting.offline import draft_offline
from vtspec.pipelines.drafting.result import ConversationState, Draft
from vtspec.pipelines.project.repository import Repository

WORLD = Path(__file__).parents[2] / "benchmarks" / "words" / "world"


def said(world: Repository, *texts: str) -> Draft:
    return draft_offline(ConversationState(draft=None, question=None, texts=texts), world)


def flat(data: Any, above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in (data or {}).items():
        if isinstance(value, dict) and value:
            found.update(flat(value, f"{above}{key}."))
        else:
            found[f"{above}{key}"] = value
    return {key.removeprefix("spec."): value for key, value in found.items()}
