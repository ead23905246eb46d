"""Layers of images, made without a hub and kept in the cache: Debian, locked packages, vtspec."""

import hashlib
import importlib.metadata
import os
import re
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local_cluster.daemon import run
from local_cluster.programs import Tell, cache_folder

ROOT = Path(__file__).parents[3]
BASE_LOCK = ROOT / "images" / "base" / "requirements.txt"
CONTROLLER_LOCK = ROOT / "images" / "vtspec" / "requirements.txt"
TIMM_LOCK = ROOT / "images" / "timm" / "requirements.txt"
_SUITE, PYTHON = "bookworm", "3.11"
_PACKAGES = "python3-minimal,libpython3-stdlib,ca-certificates"
# What this repository asks of its own environment is nothing to an image.
_UV = (sys.executable, "-m", "uv", "--no-config")
_SOURCES = ("adapters", "schema", "pipelines", "cli", "images", "pyproject.toml")
_EXACTLY = ("--no-deps", "--require-hashes", "--only-binary", ":all:")
_FRAMEWORK = "opt/framework"
_SITE_PACKAGES = f"{_FRAMEWORK}/lib/python{PYTHON}/site-packages"
_KEPT_UNUSED_S = 2 * 24 * 3600


@dataclass(frozen=True)
class Layer:
    """A layer by its kind and by a digest of all that decides it, and what makes it."""

    kind: str
    digest: str
    make: Callable[[Path], None]

    def keep(self, tell: Tell) -> Path:
        """Its file in the cache, made now if there is none.

        Raises:
            ClusterError: it could not be made, with what the program said that makes it.
        """
        path = cache_folder() / "layers" / f"{self.kind}-{self.digest}.tar"
        if not path.is_file():
            start = time.monotonic()
            path.parent.mkdir(parents=True, exist_ok=True)
            # Whole or absent: who is killed here leaves nothing that would be taken for a layer.
            with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as scratch:
                made = Path(scratch) / path.name
                self.make(made)
                made.rename(path)
            tell(f"layer {path.name}: made in {time.monotonic() - start:.0f} s")
        os.utime(path)
        self._drop_unused(path)
        return path

    def _drop_unused(self, used: Path) -> None:
        """Those of its kind that no clone has used for two days: one has gigabytes."""
        for path in used.parent.glob(f"{self.kind}-*.tar"):
            if time.time() - path.stat().st_mtime > _KEPT_UNUSED_S:
                path.unlink(missing_ok=True)


def debian(*more: str) -> Layer:
    """Debian's smallest, with its Python, and packages that are named."""
    names = ",".join((_PACKAGES, *more))
    digest = _sum(_SUITE.encode(), names.encode())
    return Layer("debian", digest, lambda target: _make_debian(target, names))


def packages() -> Layer:
    """What images/base locks: a layer that changes with the lock alone."""
    digest = _sum(PYTHON.encode(), BASE_LOCK.read_bytes())
    return Layer("packages", digest, _make_packages)


def controller() -> Layer:
    """What images/vtspec locks beside it, in the same place: a layer above it."""
    digest = _sum(PYTHON.encode(), CONTROLLER_LOCK.read_bytes())
    return Layer("controller", digest, _make_controller)


def vtspec() -> Layer:
    """This tree."""
    return Layer("vtspec", _sum(Path(__file__).read_bytes(), *_read_tree(*_SOURCES)), _make_vtspec)


def timm() -> Layer:
    """What images/timm locks, in an environment of its own; gigabytes."""
    digest = _sum(PYTHON.encode(), TIMM_LOCK.read_bytes(), _SITE_PACKAGES.encode())
    return Layer("timm", digest, _make_timm)


def adapters() -> Layer:
    """The adapters of this tree, in the environment of a framework."""
    tree = _read_tree("adapters")
    return Layer("adapters", _sum(Path(__file__).read_bytes(), *tree), _make_adapters)


def mlflow() -> Layer:
    """The MLflow that is installed here."""
    version = importlib.metadata.version("mlflow")
    return Layer("mlflow", _sum(version.encode(), PYTHON.encode()), _make_mlflow)


def _make_debian(target: Path, names: str) -> None:
    run(
        *("mmdebstrap", "--quiet", "--variant=minbase", f"--include={names}"),
        *("--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*"),
        *("--dpkgopt=path-exclude=/usr/share/locale/*", _SUITE, str(target)),
    )


def _make_packages(target: Path) -> None:
    with _installed(target, "--requirements", str(BASE_LOCK)) as found:
        _write(target, {"opt/packages": found})


def _make_controller(target: Path) -> None:
    with _installed(target, *_EXACTLY, "--requirements", str(CONTROLLER_LOCK)) as found:
        _write(target, {"opt/packages": found})


def _make_vtspec(target: Path) -> None:
    with _installed(target, "--no-deps", str(ROOT)) as found:
        _write(target, {"opt/vtspec": found})


def _make_mlflow(target: Path) -> None:
    with _installed(target, f"mlflow=={importlib.metadata.version('mlflow')}") as found:
        _write(target, {"opt/mlflow": found})


def _make_timm(target: Path) -> None:
    with _installed(target, *_EXACTLY, "--requirements", str(TIMM_LOCK)) as found:
        # What `python -m venv` would add, so that a Python finds its packages beside itself.
        (found.parent / "pyvenv.cfg").write_text("home = /usr/bin\n")
        (found.parent / "python").symlink_to(f"/usr/bin/python{PYTHON}")
        _write(
            target,
            {
                _SITE_PACKAGES: found,
                f"{_FRAMEWORK}/pyvenv.cfg": found.parent / "pyvenv.cfg",
                f"{_FRAMEWORK}/bin/python": found.parent / "python",
            },
        )


def _make_adapters(target: Path) -> None:
    _write(
        target, {f"{_SITE_PACKAGES}/vtspec/adapters": ROOT / "adapters" / "vtspec" / "adapters"}
    )


@contextmanager
def _installed(target: Path, *what: str) -> Iterator[Path]:
    """A folder of what uv installs, beside the layer: so files are links to those of its cache."""
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        folder = Path(scratch) / "packages"
        # A layer's files have no times, by which Python would tell whether bytecode is current.
        install = ("env", "PYC_INVALIDATION_MODE=UNCHECKED_HASH", *_UV, "pip", "install")
        options = ("--quiet", "--compile-bytecode", "--target", str(folder))
        run(*install, *options, "--python-version", PYTHON, *what)
        # Bytecode of those scripts that are modules stands beside them.
        for script in (one for one in (folder / "bin").iterdir() if one.is_file()):
            # The interpreter that installed it is none of the image's.
            text = re.sub(rb"\A#!.*", b"#!/usr/bin/python3", script.read_bytes())
            script.unlink()
            script.write_bytes(text)
            script.chmod(0o755)
        yield folder


def _write(target: Path, places: Mapping[str, Path]) -> None:
    with tarfile.open(target, "w") as layer:
        for place, source in places.items():
            layer.add(source, place, filter=_make_anonymous)


def _make_anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = "root"
    return entry


def _read_tree(*names: str) -> Iterator[bytes]:
    for name in names:
        top = ROOT / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and "__pycache__" not in path.parts:
                yield f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes()


def _sum(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]
