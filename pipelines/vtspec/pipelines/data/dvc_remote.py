"""What a remote of DVC has of a hash, asked by DVC itself: any kind of store that it speaks, with
the credentials and the address that its own configuration has."""

import json
import os
import subprocess
from pathlib import Path
from typing import Final

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.errors import Refused
from vtspec.pipelines.formatting import pluralize
from vtspec.pipelines.redaction import redact_text

from .dvc_cli import run_python
from .fetch import PinnedData
from .source import DvcSource

ASK_S: Final = 60.0

# A remote of that address which the repository configures comes with all that it says of it.
# Whether an object exists DVC denies where it cannot look; what it knows of one it does not.
_ASK: Final = """
import json, sys, tempfile
from contextlib import ExitStack
from dvc.exceptions import NotDvcRepoError
from dvc.repo import Repo

root, url, md5 = sys.argv[1:]
with ExitStack() as stack:
    try:
        repo = stack.enter_context(Repo(root))
    except NotDvcRepoError:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        repo = stack.enter_context(Repo.init(folder, no_scm=True))
    remotes = repo.config["remote"]
    name = next((name for name, one in remotes.items() if one.get("url") == url), None)
    if name is None:
        name = "vtspec-asks"
        remotes[name] = {"url": url}
    store = repo.cloud.get_remote_odb(name, "check", hash_name="md5")
    def is_there(md5):
        try:
            store.fs.info(store.oid_to_path(md5))
        except FileNotFoundError as error:
            # Over HTTP whatever goes wrong is told so, and what it was only beside it.
            cause = error.__cause__
            if "http" in store.fs.protocol and getattr(cause, "status", cause) not in (404, None):
                raise cause from None
            return False
        return True
    if not is_there(md5):
        lacking = 1
    elif md5.endswith(".dir"):
        listed = json.loads(store.fs.cat_file(store.oid_to_path(md5)))
        files = sorted({one["md5"] for one in listed})
        doubtful = set(files) - set(store.oids_exist(files, jobs=16))
        lacking = sum(not is_there(md5) for md5 in doubtful)
    else:
        lacking = 0
print(json.dumps({"lacking": lacking}))
"""


def check_remote(pinned: PinnedData, root: Path, remote: str, name: str) -> str | None:
    """What to warn of where the remote `name`, of that address, cannot be asked; None where it has
    all of the data.

    Raises `Refused` where it lacks any, with what brings it there.
    """
    md5 = pinned.hash.removeprefix("md5:")
    address = remote if "://" in remote else os.path.abspath(root / remote)
    try:
        done = run_python(root, ["-c", _ASK, str(root), address, md5], ASK_S)
    except subprocess.TimeoutExpired:
        return _make_warning(pinned, remote, f"no answer within {ASK_S:.0f} s")
    try:
        lacking = json.loads(done.stdout.splitlines()[-1])["lacking"]
    except (ValueError, IndexError):
        said = [line for line in done.stderr.splitlines() if line.strip()]
        return _make_warning(pinned, remote, said[-1].strip() if said else "it said nothing")
    if not lacking:
        return None
    objects = pluralize(lacking, "object is", "objects are")
    raise Refused(
        f"{pinned.name} ({pinned.hash}): {objects} not in {redact_text(remote)}, from which a "
        "pod would fetch it",
        fix=f"where the data is: {_format_push(pinned, root, name)}",
    )


def _make_warning(pinned: PinnedData, remote: str, why: str) -> str:
    return (
        f"whether {redact_text(remote)} has {pinned.name} ({pinned.hash}) cannot be told from "
        f"here: {redact_text(why)[-300:]}"
    )


def _format_push(pinned: PinnedData, root: Path, name: str) -> str:
    path = pinned.source.path
    is_here = not (isinstance(pinned.source, DvcSource) and pinned.source.repo)
    pointer = f"{path}.dvc" if is_here and (root / f"{path}.dvc").is_file() else path
    return format_command("dvc", "push", "-r", name, pointer)
