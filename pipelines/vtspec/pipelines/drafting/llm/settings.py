"""How long, how often and how much a model may be asked."""

from collections.abc import Mapping
from dataclasses import dataclass

from vtspec.pipelines.errors import Refused


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The limits of one answer; a conversation has at most `answers` of them.

    `timeout_s` is for one request with its answer, `longest_s` for all of them with the waits
    between; `tokens` is for all requests together, what is sent and what comes back;
    `longest_wait_s` caps what a provider may ask to wait before a retry.
    """

    timeout_s: float = 60.0
    longest_s: float = 180.0
    tokens: int = 60_000
    answers: int = 20
    requests: int = 12
    lookups: int = 10
    repairs: int = 3
    retries: int = 2
    longest_wait_s: float = 20.0
    longest_answer_bytes: int = 2**20
    longest_request_bytes: int = 2**20
    answer_tokens: int = 8_000


def load_settings(environment: Mapping[str, str]) -> Settings:
    """The limits that VTSPEC_DRAFT_TIMEOUT (seconds) and VTSPEC_DRAFT_TOKENS set.

    Raises `Refused` where one is no number, or a senseless one.
    """
    default = Settings()
    return Settings(
        timeout_s=_parse_number(environment, "VTSPEC_DRAFT_TIMEOUT", default.timeout_s, (1, 600)),
        tokens=int(
            _parse_number(environment, "VTSPEC_DRAFT_TOKENS", default.tokens, (1_000, 10_000_000))
        ),
    )


def _parse_number(
    environment: Mapping[str, str], name: str, default: float, within: tuple[int, int]
) -> float:
    typed = environment.get(name, "").strip()
    if not typed:
        return default
    least, most = within
    try:
        value = float(typed)
    except ValueError:
        # Within no range, as "nan" itself is, which float() reads.
        value = float("nan")
    if least <= value <= most:
        return value
    raise Refused(
        f"{name} must be a number from {least:,} to {most:,}, got '{typed[:40]}'",
        fix=f"export {name}={default:g}, or unset it",
    )
