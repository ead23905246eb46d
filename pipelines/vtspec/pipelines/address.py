"""An address such as https://user:password@host/path, taken apart where it enters.

What is kept, shown and stored is the address without its user and password; these go on only in
memory, and to other processes by their environment.
"""

import re
from dataclasses import dataclass, field
from typing import Final

# Each part is bounded: a line of a megabyte without a secret must not take minutes.
_AUTHORITY: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,40})://(?P<user>[^/?#\s]*)@")
_WORD: Final = r"[\w.-]{0,60}"
_SECRET_KEY: Final = (
    rf"{_WORD}(?:passw|pwd|token|secret|apikey|api_key|sig|signature|credential){_WORD}"
)
_QUERY: Final = re.compile(rf"(?P<key>[?&;]{_SECRET_KEY}=)(?P<value>[^&;#\s'\"]+)", re.I)


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where something is reached: `uri` holds no secret, and is what `str` gives."""

    uri: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    full: str = field(repr=False)
    """As it was given, for a client that takes its secrets in no other way."""

    def __str__(self) -> str:
        return self.uri

    @property
    def has_secret(self) -> bool:
        """Whether `full` says more than may be shown."""
        return self.uri != self.full


def parse_address(text: str) -> Address:
    """Take user, password and the secrets of a query out of an address."""
    bare = _strip_secret_parameters(text)
    found = _AUTHORITY.match(bare)
    if found is None or not _is_secret_part(found):
        return Address(uri=bare, full=text)
    # Here, as in `find_credentials`: every command imports this module, and few meet a secret.
    from urllib.parse import unquote

    user, colon, password = found["user"].partition(":")
    return Address(
        uri=f"{found['scheme']}://{bare[found.end() :]}",
        user=unquote(user) or None,
        password=unquote(password) if colon else None,
        full=text,
    )


def _strip_secret_parameters(text: str) -> str:
    base, mark, query = text.partition("?")
    kept = [part for part in query.split("&") if not _QUERY.match(f"&{part}")]
    return f"{base}{mark if kept else ''}{'&'.join(kept)}" if mark else text


def find_credentials(text: str) -> frozenset[str]:
    """Every secret in the addresses of a text: passwords, tokens, as they stand and decoded."""
    found = set()
    for match in _AUTHORITY.finditer(text):
        if _is_secret_part(match):
            user, colon, password = match["user"].partition(":")
            found.add(password if colon else user)
    found |= {match["value"] for match in _QUERY.finditer(text)}
    if not found:
        return frozenset()
    from urllib.parse import unquote

    return frozenset({form for one in found for form in (one, unquote(one))} - {""})


def hide_credentials(text: str, mark: str) -> str:
    """The text with `mark` in place of the secrets in its addresses; hosts and paths stay."""
    # Looked for first: the pattern takes a second for each megabyte without a space.
    if "://" in text:
        text = _AUTHORITY.sub(
            lambda found: f"{found['scheme']}://{mark}@" if _is_secret_part(found) else found[0],
            text,
        )
    return _QUERY.sub(lambda found: f"{found['key']}{mark}", text)


def _is_secret_part(found: re.Match[str]) -> bool:
    # `ssh://git@host` names whom to be there, and a key elsewhere proves it; what stands alone
    # before a web host is a token.
    return ":" in found["user"] or found["scheme"].lower().endswith(("http", "https"))
