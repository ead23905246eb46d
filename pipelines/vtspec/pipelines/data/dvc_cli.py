"""The command `dvc` as a process: what it says becomes words with a fix."""

import errno
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.errors import Permanent, Temporary
from vtspec.pipelines.project.git_command import add_git_settings
from vtspec.pipelines.redaction import redact_text

_NETWORK: Final = re.compile(
    r"cannot connect|connect(ion)? ?(call failed|error|refused|reset|aborted|closed)"
    r"|timed ?out|timeout|name resolution|unreachable|disconnected"
    # As aiohttp and botocore put a status; a bare number may be a count or a part of a time.
    r"|\b(429|50[0234]), message=|\((429|50[0234])\)"
    r"|(status|http)\W{0,3}(code)?\W{0,3}(429|50[0234])\b",
    re.IGNORECASE,
)
_STAMP: Final = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ ", re.MULTILINE)
# Under CI, DVC does not look for a newer version of itself.
_QUIET: Final = {"CI": "true", "GIT_TERMINAL_PROMPT": "0"}
_LOCKED: Final = re.compile(r"unable to acquire lock|is busy|rwlock", re.IGNORECASE)


def run_dvc(root: Path, args: Sequence[str]) -> str:
    """What `dvc ARGS` printed, run in `root`.

    Raises `Temporary` where the network failed or another DVC holds the lock, `Permanent` where
    DVC is not installed or refuses; both carry DVC's own last words.
    """
    done = _run_process(root, args)
    if done.returncode:
        raise _make_error(args, done.stderr or done.stdout)
    return done.stdout


def get_cache_folder(root: Path) -> Path:
    """The store of the DVC repository at `root`, wherever its configuration puts it."""
    return Path(run_dvc(root, ["cache", "dir"]).strip()) / "files" / "md5"


ADD_REMOTE: Final = "dvc remote add -d NAME URL"
"""Sets where `dvc push` puts data, as for everybody who clones the repository."""


def has_default_remote(root: Path) -> bool:
    """Whether `dvc push` has anywhere to push to, whichever of DVC's configurations says so."""
    done = _run_process(root, ["config", "core.remote"])
    return done.returncode == 0 and bool(done.stdout.strip())


def require_remote(root: Path, name: str) -> None:
    """Raise `Permanent` where no configuration of DVC has a remote of this name."""
    done = _run_process(root, ["config", f"remote.{name}.url"])
    if done.returncode or not done.stdout.strip():
        fix = f"{format_command('dvc', 'remote', 'add', name)} URL, or leave --remote out"
        raise Permanent(f"DVC has no remote '{name}' here", fix=fix)


def find_network_error(said: str) -> str | None:
    """The last line of DVC's words that tells of a network failure, or None. Pure."""
    # The thousandths of a time stamp look like a status now and then.
    lines = _STAMP.sub("", said).splitlines()
    return next((line.strip() for line in reversed(lines) if _NETWORK.search(line)), None)


def fetch(root: Path, path: str, remote: str | None) -> str:
    """Bring what DVC's files pin for `path` from a remote into the cache; no file of the workspace
    is touched.

    Returns what to say if the objects are not in the cache afterwards, and raises as `dvc` does:
    DVC ends well even where the remote cannot be reached, and tells why only when it is verbose.
    """
    args = ["fetch", "-v", *(["-r", remote] if remote else []), "--", path]
    done = _run_process(root, args)
    if done.returncode:
        raise _make_error(args, done.stderr)
    said = done.stdout + done.stderr
    trouble = find_network_error(said)
    if trouble and "Missing cache files" in said:
        raise Temporary(
            f"the DVC remote cannot be reached: {redact_text(trouble)[-300:]}",
            fix="try again when it can",
            delay_s=30.0,
        )
    if not remote and "no default remote set" in said:
        return "no remote of DVC is set"
    return "the remote does not have it" if remote else "DVC's default remote does not have it"


def build_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process of DVC, which asks nobody and reports to nobody."""
    return {**_QUIET, **add_git_settings(environ), "DVC_NO_ANALYTICS": "true"}


def _run_process(root: Path, args: Sequence[str]) -> subprocess.CompletedProcess[str]:
    if importlib.util.find_spec("dvc") is None:
        raise Permanent("DVC is not installed here", fix="pip install 'vtspec[data]'")
    return run_python(root, ["-m", "dvc", *args])


def run_python(
    root: Path, words: Sequence[str], timeout_s: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run this Python in the repository, as a process of DVC. Raises `TimeoutExpired`."""
    # -P: a `dvc.py` that lies in the repository must not be what runs.
    return subprocess.run(
        [sys.executable, "-P", *words],
        cwd=root,
        env=build_environment(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=timeout_s,
    )


def _make_error(args: Sequence[str], output: str) -> Permanent | Temporary:
    said = redact_text(_extract_errors(output))
    message = f"dvc {args[0]} failed: {said}"
    if "not inside of a DVC repository" in said or "'dir' doesn't exist in section" in said:
        return Permanent("this is not a DVC repository", fix="git init && dvc init")
    if "already tracked by SCM" in said:
        # Committed to git by hand before; DVC's own advice, on one line.
        data = args[-1]
        return Permanent(
            f"{data} is tracked by git, and what DVC versions must not be",
            fix=f"{format_command('git', 'rm', '-r', '--cached', '-q', '--', data)} && "
            + format_command("git", "commit", "-m", f"stop tracking {data}"),
        )
    if _LOCKED.search(said):
        return Temporary(message, fix="wait until the other DVC command is done", delay_s=5.0)
    if _NETWORK.search(said):
        return Temporary(message, fix="try again when the remote can be reached", delay_s=30.0)
    disk_fix = find_disk_fix(said)
    if disk_fix is not None:
        return Permanent(message, fix=disk_fix)
    # Behind `--` it would be a path.
    end = args.index("--") if "--" in args else len(args)
    return Permanent(
        message, fix=f"{format_command('dvc', *args[:end], '-v', *args[end:])}    (shows why)"
    )


def find_disk_fix(said: str) -> str | None:
    """What to do where DVC's words are of a disk that took nothing; None where they are not."""
    # Its cache holds a copy of the data, and may lie on another disk than that.
    if os.strerror(errno.ENOSPC) in said:
        return "free some space where the cache is (dvc cache dir), and type that again"
    if os.strerror(errno.EROFS) in said:
        return "make the data's folder and the cache's (dvc cache dir) writable"
    return None


def _extract_errors(output: str) -> str:
    """DVC's errors, without its advertisements; at most 600 characters."""
    lines = [line.strip() for line in _STAMP.sub("", output).splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("ERROR", "fatal"))]
    return re.sub(r"\s+", " ", "; ".join(errors or lines[-3:]))[-600:] or "it said nothing"
