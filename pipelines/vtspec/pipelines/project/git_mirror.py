"""A bare repository that is kept like one elsewhere, so that its commits can be read here."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vtspec.pipelines.errors import Permanent, Temporary
from vtspec.pipelines.redaction import redact_text

from .git_command import add_git_settings, build_git_command, build_git_environment

FETCH_S: Final = 600.0

# What a stranger's objects may not be, and where nothing may come from.
_STRICT: Final = (
    "fetch.fsckObjects=true",
    "protocol.allow=never",
    "protocol.https.allow=always",
    "protocol.http.allow=always",
    "protocol.file.allow=always",
    "http.followRedirects=false",
    "credential.helper=",
)

_REFUSED: Final = ("authentication failed", "could not read username", "repository not found")
_REFUSED_CODES: Final = ("error: 401", "error: 403", "error: 404")


@dataclass(frozen=True, kw_only=True)
class GitMirror:
    """A bare repository at `folder`, made where it is not there, of the one at `url`.

    `header` is what an HTTP server is told of who asks, such as `Authorization: Basic …`; git is
    given it by its environment, and the folder keeps nothing of it.
    """

    folder: Path
    url: str
    header: str | None = None

    def fetch(self, refs: Sequence[str], commits: Sequence[str] = ()) -> None:
        """Have what the refs point to there, under the same names here, and see that these commits
        came with them.

        Raises `Permanent` where the repository or a ref is not there, or may not be read,
        `Temporary` where it does not answer, or a commit is not below the refs yet.
        """
        if not (self.folder / "HEAD").is_file():
            self.folder.mkdir(parents=True, exist_ok=True)
            self._run("init", "--bare", "--quiet", "--template=")
        specs = [f"+{ref}:{ref}" for ref in refs]
        # Without FETCH_HEAD two fetches at once share no file.
        options = ("--quiet", "--force", "--no-tags", "--no-write-fetch-head")
        self._run("fetch", *options, "--", self.url, *specs)
        for commit in commits:
            if not self.has_commit(commit):
                raise Temporary(
                    f"{redact_text(self.url)} has no commit {commit} in {', '.join(refs)} yet"
                )

    def has_commit(self, commit: str) -> bool:
        """Whether a commit, by its hash or what points to it, was fetched before."""
        words = ("cat-file", "-e", "--end-of-options", f"{commit}^{{commit}}")
        done = subprocess.run(
            build_git_command(self.folder, *words),
            env=build_git_environment(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        return done.returncode == 0

    def _run(self, *words: str) -> None:
        try:
            done = subprocess.run(
                build_git_command(self.folder, *words, settings=_STRICT),
                env=self._build_environment(os.environ),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=FETCH_S,
            )
        except FileNotFoundError as error:
            raise Permanent("git is not installed here", fix="install git") from error
        except subprocess.TimeoutExpired as error:
            raise Temporary(
                f"{redact_text(self.url)}: no answer within {FETCH_S:.0f} s"
            ) from error
        if done.returncode:
            said = redact_text(" ".join(done.stderr.decode("utf-8", "replace").split()))[-400:]
            raise _make_error(redact_text(self.url), said)

    def _build_environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        made = build_git_environment(environ)
        # A person's own settings could send the header elsewhere, or run a program.
        made |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
        if self.header is None:
            return made
        # Not on the command line, which everybody on this machine can read.
        return add_git_settings(made, (("http.extraHeader", self.header),))


def _make_error(url: str, said: str) -> Permanent | Temporary:
    lowered = said.lower()
    if any(words in lowered for words in (*_REFUSED, *_REFUSED_CODES)):
        return Permanent(
            f"{url} cannot be read: {said}",
            fix="give the controller's token or app read access to the repository's contents",
        )
    if "couldn't find remote ref" in lowered or "does not appear to be a git" in lowered:
        return Permanent(f"{url}: {said}", fix="check the repository's address and the branch")
    return Temporary(f"{url} cannot be fetched just now: {said}")
