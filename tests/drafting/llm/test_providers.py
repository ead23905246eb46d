"""Which provider the environment names, with which limits."""

import subprocess
import sys

import pytest

from vtspec.pipelines.drafting.llm import (
    Provider,
    Settings,
    find_drafter,
    find_provider,
    load_settings,
)
from vtspec.pipelines.drafting.llm.transport import count_tokens
from vtspec.pipelines.errors import Refused

GOOGLE = Provider(
    name="google",
    model="gemini-3.8-flash",
    base_url="https://generativelanguage.googleapis.com",
    key="g-key",
)


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"GEMINI_API_KEY": "g", "ANTHROPIC_API_KEY": "a", "OPENAI_API_KEY": "o"}, "google"),
        ({"GOOGLE_API_KEY": "g", "OPENAI_API_KEY": "o"}, "google"),
        ({"ANTHROPIC_API_KEY": "a", "OPENAI_API_KEY": "o"}, "anthropic"),
        ({"OPENAI_API_KEY": "o"}, "openai"),
        ({"OPENAI_API_KEY": "o", "GEMINI_API_KEY": " "}, "openai"),
        (
            {"VTSPEC_DRAFT_PROVIDER": "OpenAI", "GEMINI_API_KEY": "g", "OPENAI_API_KEY": "o"},
            "openai",
        ),
    ],
)
def test_the_first_provider_with_a_key_is_asked(environment: dict[str, str], name: str) -> None:
    provider = find_provider(environment)
    assert provider is not None
    assert (provider.name, provider.compatible) == (name, False)


@pytest.mark.parametrize(
    "environment",
    [{}, {"VTSPEC_DRAFT_PROVIDER": "offline", "GEMINI_API_KEY": "g"}, {"GEMINI_API_KEY": ""}],
)
def test_without_a_key_or_by_wish_drafting_is_offline(environment: dict[str, str]) -> None:
    assert find_provider(environment) is None
    assert find_drafter(environment) is None


def test_gemini_is_asked_for_its_default_model_at_its_own_address() -> None:
    assert find_provider({"GEMINI_API_KEY": "g-key", "GOOGLE_API_KEY": "other"}) == GOOGLE


def test_a_local_server_needs_no_key() -> None:
    environment = {
        "VTSPEC_DRAFT_PROVIDER": "openai",
        "VTSPEC_DRAFT_BASE_URL": "http://localhost:11434/v1/",
        "VTSPEC_DRAFT_MODEL": "qwen3:8b",
    }
    assert find_provider(environment) == Provider(
        name="openai", model="qwen3:8b", base_url="http://localhost:11434/v1", compatible=True
    )


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"VTSPEC_DRAFT_PROVIDER": "gpt\x1b"}, r"must be one of .* got 'gpt\?'"),
        ({"VTSPEC_DRAFT_PROVIDER": "google"}, "its key is not there"),
        ({"VTSPEC_DRAFT_PROVIDER": "openai"}, "its key is not there"),
        ({"VTSPEC_DRAFT_BASE_URL": "http://x/v1", "GEMINI_API_KEY": "g"}, "not which provider"),
        ({"VTSPEC_DRAFT_BASE_URL": "ftp://x", "VTSPEC_DRAFT_MODEL": "m"}, "http or https"),
        ({"VTSPEC_DRAFT_BASE_URL": "http://me:pw@x", "VTSPEC_DRAFT_MODEL": "m"}, "without user"),
        ({"VTSPEC_DRAFT_BASE_URL": "http://x:99999", "VTSPEC_DRAFT_MODEL": "m"}, "http or https"),
        ({"VTSPEC_DRAFT_BASE_URL": "http://x?a=b", "VTSPEC_DRAFT_MODEL": "m"}, "query"),
        ({"VTSPEC_DRAFT_BASE_URL": "file:///etc", "VTSPEC_DRAFT_MODEL": "m"}, "http or https"),
        ({"VTSPEC_DRAFT_BASE_URL": "http://x/v1"}, "not which model"),
        ({"OPENAI_API_KEY": "o", "VTSPEC_DRAFT_MODEL": "../admin"}, "no name of a model"),
        ({"OPENAI_API_KEY": "o", "VTSPEC_DRAFT_MODEL": "a/../b"}, "no name of a model"),
        ({"OPENAI_API_KEY": "o", "VTSPEC_DRAFT_MODEL": "a b"}, "no name of a model"),
        ({"GEMINI_API_KEY": "two words"}, "is no key"),
        ({"GEMINI_API_KEY": "line\nbreak"}, "is no key"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_fix(environment: dict[str, str], why: str) -> None:
    if "VTSPEC_DRAFT_BASE_URL" in environment and "GEMINI_API_KEY" not in environment:
        environment = {"VTSPEC_DRAFT_PROVIDER": "openai", **environment}
    with pytest.raises(Refused, match=why) as caught:
        find_provider(environment)
    assert "VTSPEC_DRAFT" in (caught.value.fix or "") or "_API_KEY" in (caught.value.fix or "")
    for secret in ("two words", "pw", "line\nbreak"):
        assert secret not in str(caught.value)


def test_no_key_is_shown() -> None:
    drafter = find_drafter({"GEMINI_API_KEY": "g-key-0123456789"})
    assert drafter is not None
    assert (drafter.name, drafter.provider, drafter.model) == (
        "model",
        "google",
        "gemini-3.8-flash",
    )
    shown = f"{GOOGLE!r} {GOOGLE} {drafter!r} {vars(drafter)!r}"
    assert "g-key" not in shown


def test_the_limits_can_be_set() -> None:
    assert load_settings({}) == Settings()
    set_to = load_settings({"VTSPEC_DRAFT_TIMEOUT": "5.5", "VTSPEC_DRAFT_TOKENS": "20000"})
    assert (set_to.timeout_s, set_to.tokens) == (5.5, 20_000)


@pytest.mark.parametrize("typed", ["soon", "0", "-1", "inf", "nan", "1e9"])
def test_a_senseless_limit_is_refused(typed: str) -> None:
    with pytest.raises(Refused, match="VTSPEC_DRAFT_TIMEOUT must be a number from 1 to 600"):
        load_settings({"VTSPEC_DRAFT_TIMEOUT": typed})


@pytest.mark.parametrize(
    ("answer", "tokens"),
    [
        ({"usage": {"total_tokens": 70, "prompt_tokens": 50}}, 70),
        ({"usageMetadata": {"totalTokenCount": 80}}, 80),
        ({"usage": {"input_tokens": 5, "cache_read_input_tokens": 60, "output_tokens": 7}}, 72),
        ({"usage": {"total_tokens": 0}}, 1_000),
        ({"usage": {"total_tokens": -5}}, 1_000),
        ({"usage": {"total_tokens": "9"}}, 1_000),
        ({"usage": None}, 1_000),
        ({"usage": [1]}, 1_000),
        ({}, 1_000),
    ],
)
def test_tokens_are_what_the_provider_counted_or_else_guessed(answer: object, tokens: int) -> None:
    assert isinstance(answer, dict)
    assert count_tokens(answer, 3_000) == tokens


LAZY = """
import sys
from vtspec.pipelines.drafting import llm
llm.find_drafter({"GEMINI_API_KEY": "g"})
print([name for name in ("pydantic_ai", "httpx2", "openai", "anthropic", "google.genai")
       if name in sys.modules])
"""

MISSING = """
import sys
sys.modules["MODULE"] = None
from pathlib import Path
from vtspec.pipelines.drafting import llm
from vtspec.pipelines.drafting.result import Message
from vtspec.pipelines.project.repository import Repository
from vtspec.pipelines.project.repository import find_repository
try:
    llm.find_drafter({"ANTHROPIC_API_KEY": "g"}).make_draft(
        [Message(author="person", text="x")], find_repository(Path("/")))
except llm.Unavailable as error:
    print(error)
"""


def run(code: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return ended.stdout.strip()


def test_nothing_heavy_is_imported_before_a_model_is_asked() -> None:
    assert run(LAZY) == "[]"


@pytest.mark.parametrize("module", ["httpx2", "pydantic_ai", "anthropic"])
def test_without_the_packages_it_says_what_to_type(module: str) -> None:
    assert run(MISSING.replace("MODULE", module)) == (
        "the packages for it are not installed: pip install 'vtspec[draft]'"
    )
