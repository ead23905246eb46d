"""A bare repository that is kept like one elsewhere, so that its commits can be read here."""

import os
import re
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vtspec.pipelines.cache_folder import get_cache_folder
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.failpoints import durable_step
from vtspec.pipelines.redaction import redact_text

from .git_command import add_git_settings, build_git_command, build_git_environment

FETCH_S: Final = 600.0

_HASH: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")

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


def choose_mirror_folder(repository: str, folder: Path | None, environ: Mapping[str, str]) -> Path:
    """Where a forge's repository OWNER/NAME is mirrored: in `folder`, else in the cache."""
    mirrors = folder or get_cache_folder(environ) / "mirrors"
    return mirrors / f"{repository.replace('/', '+')}.git"


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

        Raises `Refused` where there can be no such folder, `Permanent` where the repository or a
        ref is not there, or may not be read,
        `Temporary` where it does not answer, or a commit is not below the refs yet.
        """
        if not (self.folder / "HEAD").is_file():
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise Refused(
                    f"{self.folder} cannot be made: {error.strerror}",
                    fix="name a folder that can: --folder DIR",
                ) from error
            self._run("init", "--bare", "--quiet", "--template=")
        specs = [f"+{ref}:{ref}" for ref in refs]
        # Without FETCH_HEAD two fetches at once share no file.
        options = ("--quiet", "--force", "--no-tags", "--no-write-fetch-head")
        with durable_step("git.fetch"):
            self._run("fetch", *options, "--", self.url, *specs)
        there = self.find_commits(commits)
        for commit in commits:
            if commit not in there:
                raise Temporary(
                    f"{redact_text(self.url)} has no commit {commit} in {', '.join(refs)} yet"
                )

    def find_commits(self, names: Collection[str]) -> dict[str, str]:
        """The hashes of the commits that were fetched before, by the names that were asked for:
        hashes, or what points to them."""
        # One name a line: with a line feed in it nothing is that name.
        sane = [name for name in names if name.isprintable()]
        if not sane:
            return {}
        words = ("cat-file", "--batch-check=%(objectname)")
        done = subprocess.run(
            build_git_command(self.folder, *words),
            env=build_git_environment(os.environ),
            input="".join(f"{name}^{{commit}}\n" for name in sane).encode(),
            capture_output=True,
        )
        lines = done.stdout.decode("utf-8", "replace").splitlines()
        answers = zip(sane, lines, strict=False)
        return {name: line for name, line in answers if _HASH.fullmatch(line)}

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
