"""The cluster's Go programs, built from their modules and kept outside the clone.

Each folder under `tests/cluster/programs/` is a Go module that only requires: its `tool` lines
name the programs. What is built lies in `~/.cache/vtspec/cluster/`, under a hash of everything
that decides it, so that a changed requirement builds that module alone anew. Other tests have
programs built so, too: of theirs "cluster" is another folder of `tests/`.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_cluster.errors import ClusterError

TESTS = Path(__file__).parents[2]
SOURCES = TESTS / "cluster" / "programs"
KUBERNETES_VERSION = "1.34.4"
# Kueue parses the API server's version, and "v0.0.0-master+$Format:%H$" is none.
_VERSION = "k8s.io/component-base/version"
_LINK = {
    "kubernetes": f"-X {_VERSION}.gitVersion=v{KUBERNETES_VERSION} "
    f"-X {_VERSION}.gitMajor=1 -X {_VERSION}.gitMinor=34 -X {_VERSION}.gitTreeState=clean"
}


@dataclass(frozen=True, kw_only=True)
class GoModule:
    """One folder of `programs/`: what it builds, and what else of its sources a cluster needs."""

    name: str
    programs: tuple[str, ...]
    # Manifests of a required module, copied beside the programs: (module, folder in it).
    manifests: tuple[tuple[str, str], ...] = ()
    # What only some have decides their keys alone: those of the others stay.
    tests: str = field(default="cluster", repr=False)
    tags: tuple[str, ...] = field(default=(), repr=False)
    link: str = field(default="", repr=False)
    needs_c: bool = field(default=False, repr=False)

    @property
    def source(self) -> Path:
        """The folder that has its go.mod."""
        return TESTS / self.tests / "programs" / self.name

    @property
    def link_flags(self) -> str:
        """What the linker is told of it."""
        return self.link or _LINK.get(self.name, "")


ARGO = "github.com/argoproj/argo-workflows/v4"
MODULES = (
    GoModule(
        name="kubernetes",
        programs=(
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kubelet",
            "kube-proxy",
        ),
    ),
    GoModule(name="etcd", programs=("etcd",)),
    GoModule(
        name="argo",
        programs=("argo", "argoexec", "workflow-controller"),
        manifests=((ARGO, "manifests/base/crds/full"),),
    ),
    GoModule(
        name="kueue",
        programs=("kueue",),
        manifests=(
            ("sigs.k8s.io/kueue", "config/components/crd/bases"),
            ("sigs.k8s.io/kueue", "config/components/webhook"),
        ),
    ),
    GoModule(name="coredns", programs=("coredns",)),
    GoModule(name="crane", programs=("crane",)),
    GoModule(name="helm", programs=("helm",)),
    GoModule(name="pause", programs=("pause",)),
    # The storage that the chart installs.
    GoModule(name="versitygw", programs=("versitygw",)),
)
Tell = Callable[[str], None]


def cache_folder(tests: str = "cluster") -> Path:
    """Where programs and images are kept: outside any clone, shared by all of them."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "vtspec" / tests


@dataclass(frozen=True)
class Programs:
    """Where each module's programs and manifests lie; `argo` has other programs of Argo."""

    folders: dict[str, Path]
    argo: Path | None = None

    def path(self, program: str) -> Path:
        """The program's file."""
        module = next(module for module in MODULES if program in module.programs)
        if module.name == "argo" and self.argo is not None:
            return self.argo / program
        return self.folders[module.name] / "bin" / program

    def manifests(self, module: str, folder: str) -> list[Path]:
        """The YAML files of a folder of a required module, by name."""
        return sorted((self.folders[module] / "manifests" / folder).glob("*.yaml"))

    def to_json(self) -> dict[str, object]:
        """What `parse_programs` reads."""
        folders = {name: str(path) for name, path in self.folders.items()}
        return {"folders": folders, "argo": None if self.argo is None else str(self.argo)}


def parse_programs(raw: dict[str, Any]) -> Programs:
    """What `to_json` wrote."""
    folders = {name: Path(path) for name, path in raw["folders"].items()}
    return Programs(folders, None if raw["argo"] is None else Path(raw["argo"]))


def build_programs(tell: Tell) -> Programs:
    """Build what is not in the cache yet, one module after another, and say where all of it lies.

    Raises:
        ClusterError: Go is missing, or a module does not build; with the end of what Go said. Or
            VTSPEC_ARGO_BIN names no folder of Argo's programs.
    """
    argo = _find_other_argo()
    return Programs({module.name: build_module(module, tell) for module in MODULES}, argo)


def build_module(module: GoModule, tell: Tell) -> Path:
    """The folder with the module's `bin` and `manifests`, built unless it is in the cache.

    Raises:
        ClusterError: as of `build_programs`.
    """
    cache = cache_folder(module.tests)
    target = cache / f"{module.name}-{_key(module)}"
    # Two builds at once would do each thing twice; the second waits and finds it made.
    with _locked(cache / f"{module.name}.lock"):
        if not target.is_dir():
            _build(module, target, tell)
    return target


def _find_other_argo() -> Path | None:
    """The folder that `VTSPEC_ARGO_BIN` names, or None; asked for before anything is built."""
    named = os.environ.get("VTSPEC_ARGO_BIN")
    if not named:
        return None
    folder = Path(named).resolve()
    (argo,) = [module for module in MODULES if module.name == "argo"]
    missing = [name for name in argo.programs if shutil.which(folder / name) is None]
    if missing:
        raise ClusterError(
            f"VTSPEC_ARGO_BIN: {named} has no program {', '.join(missing)}",
            fix=f"name a folder with {', '.join(argo.programs)}, or: unset VTSPEC_ARGO_BIN",
        )
    return folder


def _key(module: GoModule) -> str:
    """Twelve hex digits of all that decides a build: sources, flags and Go's own version."""
    link = module.link_flags or None
    digest = hashlib.sha256(f"{module}{link}{_go_version()}".encode())
    for path in sorted(module.source.rglob("*")):
        if path.is_file():
            named = path.relative_to(module.source.parent)
            digest.update(f"{named}\0".encode() + path.read_bytes())
    if module.tags or module.needs_c:
        digest.update(f"{module.tags}{module.needs_c}".encode())
    return digest.hexdigest()[:12]


def _go_version() -> str:
    go = shutil.which("go")
    if go is None:
        raise ClusterError(
            "go: not found on PATH; these programs are built from their Go modules",
            fix="install Go 1.26 or later from https://go.dev/dl and put it on PATH",
        )
    return subprocess.check_output([go, "env", "GOVERSION"], text=True, cwd="/").strip()


def _build(module: GoModule, target: Path, tell: Tell) -> None:
    tell(f"building {module.name} ({', '.join(module.programs)})")
    start = time.monotonic()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{module.name}-") as scratch:
        source, made = Path(scratch) / module.name, Path(scratch) / "made"
        # A copy, so that Go writes nothing into the clone.
        shutil.copytree(module.source, source)
        flags = ["-trimpath", f"-ldflags=-s -w {module.link_flags}"]
        flags += [f"-tags={','.join(module.tags)}"] if module.tags else []
        if (source / "overlay").is_dir():
            flags += _lay_over(source)
        (made / "bin").mkdir(parents=True)
        packages = ["."] if (source / "main.go").is_file() else ["tool"]
        # By its package alone etcd would be called "server"; several go by their packages.
        output = made / "bin" / (module.programs[0] if len(module.programs) == 1 else "")
        _go(source, "build", *flags, "-o", f"{output}", *packages, needs_c=module.needs_c)
        missing = [name for name in module.programs if not (made / "bin" / name).is_file()]
        assert not missing, f"{module.name} did not build {missing}"
        for required, folder in module.manifests:
            listed = json.loads(_go(source, "list", "-mod=mod", "-m", "-json", required))
            kept = made / "manifests" / folder
            shutil.copytree(Path(listed["Dir"]) / folder, kept, copy_function=shutil.copyfile)
            # Folders of Go's module cache are read-only, and so would their copies be.
            for each in (kept, *kept.rglob("*")):
                if each.is_dir():
                    each.chmod(0o755)
        made.rename(target)
    tell(f"built {module.name} in {time.monotonic() - start:.0f} s")


def _lay_over(source: Path) -> list[str]:
    """Flags that add the module's `overlay/` to the packages of what it requires.

    A file can be laid over a vendored package, not over one of Go's module cache. `vendor -e`
    names the packages that have no file before the overlay, and goes on.
    """
    _go(source, "mod", "vendor", "-e")
    overlay = source / "overlay"
    replaced = {
        str(source / "vendor" / path.relative_to(overlay)): str(path)
        for path in overlay.rglob("*")
        if path.is_file()
    }
    (source / "overlay.json").write_text(json.dumps({"Replace": replaced}))
    return ["-mod=vendor", f"-overlay={source / 'overlay.json'}"]


def _go(folder: Path, *arguments: str, needs_c: bool = False) -> str:
    environment = {**os.environ, "CGO_ENABLED": str(int(needs_c)), "GOWORK": "off"}
    environment.setdefault("GOFLAGS", "-buildvcs=false")
    # A build takes minutes and all cores; whoever works on this machine meanwhile goes first.
    done = subprocess.run(
        ["nice", "-n", "15", "go", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        said = "\n".join(done.stderr.strip().splitlines()[-15:])
        raise ClusterError(
            f"go {arguments[0]} failed for the module {folder.name} ({done.returncode}):\n{said}",
            fix="see what Go says above; `go env GOPROXY` names where modules come from",
        )
    return done.stdout


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
