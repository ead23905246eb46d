"""What says who asks a forge: a token, or the private key of a GitHub App.

Each is read where it is kept when it is needed, and again where the forge no longer takes it, so
that a rotated file is enough. Nothing here shows what it read.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vtspec.pipelines.errors import Refused


@dataclass(frozen=True, kw_only=True)
class SecretVariable:
    """A secret in a variable of the environment."""

    name: str
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def __str__(self) -> str:
        return f"${self.name}"

    def read(self) -> str:
        """The secret.

        Raises:
            Refused: it is not set, or empty.
        """
        return _check(self, self.environ.get(self.name, ""), fix=f"export {self.name}=…")


@dataclass(frozen=True, kw_only=True)
class SecretFile:
    """A secret in a file, as Kubernetes mounts one."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def read(self) -> str:
        """The secret. Raises as that of a variable, and where the file cannot be read."""
        fix = f"write the secret into {self.path}, readable for who runs vtspec"
        try:
            text = self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "is no text"
            raise Refused(f"{self.path}: cannot be read: {why}", fix=fix) from None
        return _check(self, text, fix=fix)


Secret = SecretVariable | SecretFile


@dataclass(frozen=True, kw_only=True)
class TokenCredential:
    """A token of an account. `login` is named where the forge does not tell whose it is, as of the
    token that GitHub Actions gives a job: `github-actions[bot]`."""

    token: Secret
    login: str | None = None

    def read(self) -> str:
        """The token.

        Raises:
            Refused: it cannot be read, or is none.
        """
        token = self.token.read()
        # A header is one line of ASCII; a client would name what it cannot send, secret and all.
        if not (token.isascii() and token.isprintable() and " " not in token):
            raise Refused(
                f"{self.token}: is no token: it has spaces or other characters",
                fix=f"put the token alone into {self.token}",
            )
        return token

    def __str__(self) -> str:
        return str(self.token)


@dataclass(frozen=True, kw_only=True)
class AppCredential:
    """A GitHub App: its id, or client id, and its private key as PEM."""

    app_id: str
    private_key: Secret

    def __str__(self) -> str:
        return f"App {self.app_id}, {self.private_key}"


Credential = TokenCredential | AppCredential


def _check(secret: Secret, text: str, *, fix: str) -> str:
    text = text.strip()
    if not text:
        raise Refused(f"{secret}: the secret is not set, or is empty", fix=fix)
    return text
