"""What must not leave: secrets of the environment, and where things lie on this machine.

The one list of what is secret, and the one mask. A text of a third party (an answer of a server,
an error of a library, a line of another program) passes it before it is stored or shown.
"""

import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from .address import Address, find_credentials, hide_credentials

MARK: Final = "[hidden]"
"""What stands in place of a secret."""

_NAMES: Final = re.compile(
    r"KEY|TOKEN|SECRET|PASS(WORD|WD|PHRASE)?($|_)|CREDENTIAL|AUTH(?!OR)|HEADERS|COOKIE|_PAT$|_PWD$|DSN",
    re.IGNORECASE,
)
"""Names of environment variables that hold secrets."""

_SHAPES: Final = re.compile(
    # OpenAI and Anthropic; a name such as task-… or sk-… in lower case is none.
    r"(?<![A-Za-z0-9])sk-(?=[\w-]{0,200}[A-Z])(?=[\w-]{0,200}[0-9])[A-Za-z0-9_-]{16,}"
    r"|AIza[A-Za-z0-9_-]{30,}"  # Google
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"
    r"|hf_[A-Za-z0-9]{20,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}"
    r"|xox[abprs]-[A-Za-z0-9-]{10,}"
    r"|eyJ[A-Za-z0-9_-]{10,4000}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*"  # JSON Web Token
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----|[\s\S]*)"
)
"""What a credential looks like, wherever it comes from."""

_KEY_BEGIN: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_KEY_END: Final = re.compile(r"-----END [A-Z ]*PRIVATE KEY-----")

_LONGEST_KEY: Final = 1 << 16
"""Characters after which a private key that nobody ends is taken for none."""


@dataclass(frozen=True, kw_only=True)
class Redactor:
    """The texts that are hidden. `secrets` become `[hidden]`, `places` (folders) a dot."""

    secrets: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"Redactor({len(self.secrets)} secrets)"

    def redact_text(self, text: str) -> str:
        """The text without what must not leave, whatever that cannot be seen stands in it."""
        if not text.isascii():
            text = self._reveal(text)
        # The longer first, as one secret may be the beginning of another.
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, MARK)
        for place in sorted(self.places, key=len, reverse=True):
            # /root is a place, and data/root none.
            text = re.sub(rf"(?<![\w./-]){re.escape(place)}(?![\w.-])", ".", text)
        return hide_credentials(_SHAPES.sub(MARK, text), MARK)

    def with_address(self, address: Address) -> "Redactor":
        """The same, and the password of an address, in the forms that servers echo."""
        password = address.password
        if password is None or not _is_secret(password):
            return self
        # Here: every command imports this module, and an address has a password in few.
        import base64

        basic = base64.b64encode(f"{address.user or ''}:{password}".encode()).decode()
        encoded = find_credentials(address.full)
        return Redactor(secrets=self.secrets | {password, basic} | encoded, places=self.places)

    def _reveal(self, text: str) -> str:
        """The text without characters that show nothing, where there is a secret behind them."""
        plain = "".join(char for char in text if unicodedata.category(char) != "Cf")
        hides = any(secret in plain for secret in self.secrets) or _SHAPES.search(plain)
        return plain if hides else text

    def redact_traceback(self, error: BaseException) -> str:
        """Where an error that nobody foresaw comes from, and its words."""
        # Here: every command imports this module, and few come upon such an error.
        import traceback

        return self.redact_text("".join(traceback.format_exception(error)))

    def redact_data(self, data: object) -> Any:
        """The same of plain data: of each text and each key in it."""
        match data:
            case str():
                return self.redact_text(data)
            case Mapping():
                return {
                    self.redact_data(key): self.redact_data(item) for key, item in data.items()
                }
            case list() | tuple():
                return [self.redact_data(item) for item in data]
            case _:
                return data


def make_redactor(environment: Mapping[str, str], places: Iterable[str] = ()) -> Redactor:
    """What the environment holds of secrets, and the folders that nobody else need know."""
    found = set()
    for name, value in environment.items():
        value = value.strip()
        if _NAMES.search(name) and _is_secret(value):
            # `Authorization: Bearer …` or the lines of a key file: each part is a secret, too.
            parts = re.split(r"[\s:;,=\"']+", value)
            found |= {value, *(part for part in parts if len(part) >= 12 and _is_secret(part))}
        found |= {secret for secret in find_credentials(value) if _is_secret(secret)}
    # A home that is "/" or unset would be found in every path and every text.
    return Redactor(
        secrets=frozenset(found), places=frozenset(place for place in places if len(place) > 3)
    )


class StreamRedactor:
    """Hides secrets in a text that comes in pieces, of whole lines: a private key takes many."""

    def __init__(self, redact: Callable[[str], str] | None = None) -> None:
        self._redact = redact or redact_text
        self._key_left = 0

    def redact_piece(self, text: str) -> str:
        """The next piece without what must not leave."""
        if self._key_left > 0:
            end = _KEY_END.search(text)
            if end is None:
                self._key_left -= len(text) + 1
                return ""
            text, self._key_left = text[end.end() :], 0
        begins = list(_KEY_BEGIN.finditer(text))
        if begins and _KEY_END.search(text, begins[-1].end()) is None:
            self._key_left = _LONGEST_KEY
        return self._redact(text)


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name holds a secret."""
    return _NAMES.search(name) is not None


def redact_text(text: str) -> str:
    """The text without the secrets of this process's environment."""
    return _make_own_redactor(tuple(os.environ.items())).redact_text(text)


def redact_data(data: object) -> Any:
    """The same of each text in plain data."""
    return _make_own_redactor(tuple(os.environ.items())).redact_data(data)


@lru_cache(maxsize=4)
def _make_own_redactor(environment: tuple[tuple[str, str], ...]) -> Redactor:
    return make_redactor(dict(environment))


def _is_secret(value: str) -> bool:
    # `TOKENIZERS_PARALLELISM=false` is no secret, nor is a plain word that specs are full of.
    if len(value) < 8:
        return False
    return len(value) >= 16 or not re.fullmatch(r"[A-Za-z_-]+|[0-9]+", value)
