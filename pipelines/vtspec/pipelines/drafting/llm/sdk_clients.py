"""A provider's SDK, behind pydantic-ai, over a `ProviderTransport`. Imported to ask a model."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import httpx2

from .providers import Provider
from .transport import ProviderTransport

if TYPE_CHECKING:
    from pydantic_ai.models import Model

_NO_KEY: Final = "added-where-it-is-sent"
"""What the SDKs, which insist on a key, are given in its place."""


@asynccontextmanager
async def open_model(
    provider: Provider, exchange: ProviderTransport, timeout_s: float
) -> AsyncIterator["Model"]:
    """The provider's model; every connection is closed at the end, those of `exchange` too.

    Its requests go through `exchange`, which alone retries; the SDKs' own retries are off.
    """
    # Of all limits of time the exchange's own is the shortest.
    async with httpx2.AsyncClient(transport=exchange, timeout=10 * timeout_s) as client:
        match provider.name:
            case "google":
                async with _open_google(provider, client) as model:
                    yield model
            case "anthropic":
                yield _make_anthropic(provider, client)
            case "openai":
                yield _make_openai(provider, client)


@asynccontextmanager
async def _open_google(provider: Provider, client: httpx2.AsyncClient) -> AsyncIterator["Model"]:
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.providers.google import GoogleProvider

    # Without options for them, Google's SDK makes no retries, so that none need be turned off.
    google = GoogleProvider(api_key=_NO_KEY, base_url=provider.base_url, http_client=client)
    try:
        yield GoogleModel(provider.model, provider=google)
    finally:
        # The SDK opens a blocking client, too, of which no use is made.
        google.client.close()


def _make_anthropic(provider: Provider, client: httpx2.AsyncClient) -> "Model":
    from anthropic import AsyncAnthropic
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    sdk = AsyncAnthropic(
        api_key=_NO_KEY,
        base_url=provider.base_url,
        max_retries=0,
        # Words and drafts are not for a tracing that the environment has set up.
        open_telemetry=False,
        http_client=client,
    )
    return AnthropicModel(provider.model, provider=AnthropicProvider(anthropic_client=sdk))


def _make_openai(provider: Provider, client: httpx2.AsyncClient) -> "Model":
    from openai import AsyncOpenAI
    from pydantic_ai.models.openai import (
        OpenAIChatModel,
        OpenAIResponsesModel,
        OpenAIResponsesModelSettings,
    )
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    sdk = AsyncOpenAI(
        api_key=_NO_KEY, base_url=provider.base_url, max_retries=0, http_client=client
    )
    if provider.compatible:
        other = OpenAICompatibleProvider("openai-compatible", openai_client=sdk)
        return OpenAIChatModel(provider.model, provider=other)
    # Nothing of a conversation is to be kept there.
    return OpenAIResponsesModel(
        provider.model,
        provider=OpenAIProvider(openai_client=sdk),
        settings=OpenAIResponsesModelSettings(openai_store=False),
    )
