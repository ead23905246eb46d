"""What a forge refuses, in words that say what to type. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from vtspec.pipelines.errors import Permanent, Temporary
from vtspec.schema.visible_text import shorten_visibly

AWAY_DELAY_S: Final = 10.0
"""How long a forge that is away, or failed inside, is left alone."""

_LONGEST: Final = 400


class Unanswered(Temporary):
    """Whether what was asked has been done is not known: its answer never came."""


@dataclass(frozen=True, kw_only=True)
class ApiCall:
    """What was asked, for people: `GET /repos/acme/vision/pulls` of `api.github.com`, as whom."""

    method: str
    path: str
    server: str
    credential: str

    def __str__(self) -> str:
        return f"{self.server}: {self.method} {self.path}"

    @property
    def is_read(self) -> bool:
        """Whether nothing can have been changed by it."""
        return self.method == "GET"


def explain_silence(call: ApiCall, why: str, *, is_sent: bool) -> Temporary:
    """The error of a request that had no answer."""
    kind = Unanswered if is_sent and not call.is_read else Temporary
    return kind(
        f"{call}: no answer: {_shorten(why)}",
        fix=f"see that {call.server} is up and its address right",
        delay_s=AWAY_DELAY_S,
    )


def explain_answer(
    call: ApiCall, status: int, headers: Mapping[str, str], message: str
) -> Permanent | Temporary:
    """The error that an answer stands for, one of a limit excepted."""
    told = f"{call}: {status}: {_shorten(message)}" if message else f"{call}: {status}"
    if status in (408, 425) or status >= 500:
        return Temporary(told, delay_s=AWAY_DELAY_S) if call.is_read else _not_known(told)
    if status == 401:
        return Permanent(
            f"{call.server} does not take the credential in {call.credential} (401)",
            fix=f"put one that is valid into {call.credential}",
        )
    if status == 403:
        return Permanent(told, fix=_name_permission(call, headers))
    if status in (404, 410):
        return Permanent(
            f"{told}; it is not there, or the credential in {call.credential} may not see it",
            fix="see that the name is right, and that the account or App was given the repository",
        )
    if status == 423:
        return Permanent(f"{told}; the conversation is locked", fix="unlock the conversation")
    return Permanent(told)


def _not_known(told: str) -> Unanswered:
    return Unanswered(told, delay_s=AWAY_DELAY_S)


def _name_permission(call: ApiCall, headers: Mapping[str, str]) -> str:
    # GitHub says what would have been enough.
    needed = headers.get("x-accepted-github-permissions") or headers.get("x-accepted-oauth-scopes")
    which = f"the permission {_shorten(needed)}" if needed else "write access to the repository"
    return f"give who asks with {call.credential} {which}"


def _shorten(text: str) -> str:
    return shorten_visibly(" ".join(text.split()), _LONGEST)
