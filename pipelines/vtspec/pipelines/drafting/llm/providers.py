"""Which provider answers: what the environment says, checked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args
from urllib.parse import urlsplit

from vtspec.pipelines.errors import Refused

ProviderName = Literal["google", "anthropic", "openai"]

PROVIDERS: Final[tuple[ProviderName, ...]] = get_args(ProviderName)
"""In the order in which they are tried where nothing is said."""

MODELS: Final[Mapping[ProviderName, str]] = {
    "google": "gemini-3.8-flash",
    "anthropic": "claude-haiku-5-5",
    "openai": "gpt-6-luna",
}
"""The model where none is named: of each provider's current family the small one, as a draft is a
short extraction with a checker behind it, and a person waits for it."""

HOMES: Final[Mapping[ProviderName, str]] = {
    "google": "https://generativelanguage.googleapis.com",
    "anthropic": "https://api.anthropic.com",
    "openai": "https://api.openai.com/v1",
}
"""Where each provider answers; requests go nowhere else."""

KEYS: Final[Mapping[ProviderName, tuple[str, ...]]] = {
    "google": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "openai": ("OPENAI_API_KEY",),
}
"""The variables that hold a provider's key, the first that is set wins."""

_MODEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._:@/-]{0,198}[A-Za-z0-9])?")


@dataclass(frozen=True, kw_only=True)
class Provider:
    """Who is asked, for which model, where. `key` is never shown; None where none is needed.

    `compatible` says that another server answers in the provider's form: OpenAI itself is asked
    at `/responses`, where its models think and look up in one turn, and all others at
    `/chat/completions`, which is what they have.
    """

    name: ProviderName
    model: str
    base_url: str
    compatible: bool = False
    key: str | None = field(default=None, repr=False)


def find_provider(environment: Mapping[str, str]) -> Provider | None:
    """The provider that the environment names, or None where drafting is to be offline.

    VTSPEC_DRAFT_PROVIDER says which; without it the first of Gemini, Anthropic and OpenAI whose
    key is there. VTSPEC_DRAFT_MODEL and VTSPEC_DRAFT_BASE_URL go with it. Raises `Refused` for
    values that cannot be meant; no message holds a key.
    """
    typed = environment.get("VTSPEC_DRAFT_PROVIDER", "").strip().lower()
    if typed == "offline":
        return None
    base_url = environment.get("VTSPEC_DRAFT_BASE_URL", "").strip()
    name = _parse_provider_name(typed) if typed else _find_first_provider(environment, base_url)
    if name is None:
        return None
    key = _find_key(environment, name)
    if key is None and not (name == "openai" and base_url):
        raise Refused(
            f"VTSPEC_DRAFT_PROVIDER is {name}, and its key is not there",
            fix=f"export {KEYS[name][0]}=…, or draft offline: VTSPEC_DRAFT_PROVIDER=offline",
        )
    return Provider(
        name=name,
        model=_choose_model(environment, name, base_url),
        base_url=_parse_base_url(base_url) if base_url else HOMES[name],
        compatible=bool(base_url),
        key=key,
    )


def _parse_provider_name(typed: str) -> ProviderName:
    for name in PROVIDERS:
        if typed == name:
            return name
    raise Refused(
        f"VTSPEC_DRAFT_PROVIDER must be one of {', '.join(PROVIDERS)}, offline, "
        f"got '{_make_printable(typed)}'",
        fix="export VTSPEC_DRAFT_PROVIDER=google",
    )


def _find_first_provider(environment: Mapping[str, str], base_url: str) -> ProviderName | None:
    if base_url:
        # Whose key would go there is not for us to guess.
        raise Refused(
            "VTSPEC_DRAFT_BASE_URL is set, and not which provider's form its server speaks",
            fix="export VTSPEC_DRAFT_PROVIDER=openai (Ollama, vLLM and most others), or unset it",
        )
    return next((name for name in PROVIDERS if _find_key(environment, name)), None)


def _find_key(environment: Mapping[str, str], name: ProviderName) -> str | None:
    found = (environment.get(variable, "").strip() for variable in KEYS[name])
    key = next((key for key in found if key), None)
    if key is None or (key.isascii() and key.isprintable() and " " not in key):
        return key
    raise Refused(
        f"the key of {name} is no key: it holds blanks or letters that no header may hold",
        fix=f"export {KEYS[name][0]}=… once more, without quotes or line breaks",
    )


def _choose_model(environment: Mapping[str, str], name: ProviderName, base_url: str) -> str:
    typed = environment.get("VTSPEC_DRAFT_MODEL", "").strip()
    if not typed:
        if name == "openai" and base_url:
            raise Refused(
                "VTSPEC_DRAFT_BASE_URL is set, and not which model its server has",
                fix="export VTSPEC_DRAFT_MODEL=… with a name that the server lists",
            )
        return MODELS[name]
    # It stands in a URL's path at Gemini.
    if _MODEL.fullmatch(typed) and ".." not in typed:
        return typed
    raise Refused(
        f"VTSPEC_DRAFT_MODEL is no name of a model: '{_make_printable(typed)}'",
        fix=f"export VTSPEC_DRAFT_MODEL={MODELS[name]}, or unset it",
    )


def _parse_base_url(typed: str) -> str:
    if not _is_base_url(typed):
        # What was typed is not shown: a password may stand in it.
        raise Refused(
            "VTSPEC_DRAFT_BASE_URL must be an http or https address without user, password, "
            "query or fragment",
            fix="export VTSPEC_DRAFT_BASE_URL=http://localhost:11434/v1",
        )
    return typed.rstrip("/")


def _is_base_url(typed: str) -> bool:
    try:
        url = urlsplit(typed)
        # A port beyond 65535 is only found out, by an error, where it is asked for.
        named = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        return False
    return named and not (url.username or url.password or url.query or url.fragment)


def _make_printable(typed: str) -> str:
    # It goes to a terminal, where an escape sequence would act.
    return "".join(char if char.isprintable() else "?" for char in typed[:40])
