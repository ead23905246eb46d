"""An image in which `python -m vtspec…` runs, made without a hub: Debian's Python and this tree.

It stands in for what a registry has. Its Python is Debian's, its distributions are those that
images/base locks, and the toy framework needs none besides.
"""

import hashlib
import importlib.metadata
import re
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from local_cluster import images
from local_cluster.addresses import REGISTRY
from local_cluster.cluster import Cluster
from local_cluster.daemon import run
from local_cluster.programs import Programs, Tell, cache_folder

ROOT = Path(__file__).parents[3]
NAME = f"{REGISTRY}/vtspec-toy"
LOCK = ROOT / "images" / "base" / "requirements.txt"
_SUITE, _PYTHON = "bookworm", "3.11"
_PACKAGES = "python3-minimal,libpython3-stdlib,ca-certificates"
_UV = (sys.executable, "-m", "uv")
_SOURCES = ("adapters", "schema", "pipelines", "cli", "images", "pyproject.toml")


def publish(cluster: Cluster, programs: Programs, tell: Tell) -> str:
    """Make the image of the tree as it is now, push it, and return its reference by digest.

    Raises:
        ClusterError: a layer could not be made, with what the program said that makes it.
    """
    _kept(*_MLFLOW, tell)
    layers = [
        _kept(*_BASE, tell),
        _kept(
            f"packages-{_digest(_PYTHON.encode(), LOCK.read_bytes())}.tar", _make_packages, tell
        ),
        _kept(f"vtspec-{_tree_digest()}.tar", _make_vtspec, tell),
    ]
    config = {
        "Entrypoint": ["python3", "-m", "vtspec.adapters"],
        "Env": [
            "PATH=/opt/vtspec/bin:/usr/bin:/bin",
            "PYTHONPATH=/opt/vtspec:/opt/packages",
            # DVC asks who runs it, and where all of a machine share a cache; images/base has both.
            "USER=vtspec",
            "DVC_SITE_CACHE_DIR=/tmp/dvc",
            "PYTHONUNBUFFERED=1",
            "PYTHONDONTWRITEBYTECODE=1",
        ],
        "User": "10001:10001",
        "WorkingDir": "/tmp",
    }
    with tempfile.TemporaryDirectory(dir=cache_folder()) as scratch:
        layout = images.write_image(Path(scratch) / "vtspec-toy", layers, config=config)
        push = (str(programs.path("crane")), "push", str(layout), f"{NAME}:tests", "--insecure")
        return run(*cluster.command(*push)).split()[-1]


def publish_mlflow(folder: Path, programs: Programs) -> str:
    """An image of the MLflow that is installed here, pushed from inside the cluster's network.

    It stands in for MLflow's own, which no registry hands out here. `publish` has made its layer,
    since there is no way out of the network.
    """
    layers = [_kept(name, make, print) for name, make in (_BASE, _MLFLOW)]
    config = {
        "Env": [
            "PATH=/opt/mlflow/bin:/usr/bin:/bin",
            "PYTHONPATH=/opt/mlflow",
            "PYTHONDONTWRITEBYTECODE=1",
        ]
    }
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        layout = images.write_image(Path(scratch) / "mlflow", layers, config=config)
        crane = programs.path("crane")
        return run(crane, "push", layout, f"{REGISTRY}/mlflow:1", "--insecure").split()[-1]


def image_reference(programs: Programs) -> str:
    """The image that was published last, by digest; asked from inside the cluster's network."""
    digest = run(programs.path("crane"), "digest", f"{NAME}:tests", "--insecure").strip()
    return f"{NAME}@{digest}"


def _kept(name: str, make: Callable[[Path], None], tell: Tell) -> Path:
    path = cache_folder() / "layers" / name
    if not path.is_file():
        start = time.monotonic()
        path.parent.mkdir(parents=True, exist_ok=True)
        # Whole or absent: who is killed here leaves nothing that would be taken for a layer.
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as scratch:
            made = Path(scratch) / name
            make(made)
            made.rename(path)
        tell(f"layer {name}: made in {time.monotonic() - start:.0f} s")
    return path


def _make_base(target: Path) -> None:
    run(
        *("mmdebstrap", "--quiet", "--variant=minbase", f"--include={_PACKAGES}"),
        *("--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*"),
        *("--dpkgopt=path-exclude=/usr/share/locale/*", _SUITE, str(target)),
    )


def _make_packages(target: Path) -> None:
    """What images/base has: a layer that changes with the lock alone."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "packages"
        _install(folder, "--requirements", str(LOCK))
        _write_layer(target, folder, "opt/packages")


def _make_vtspec(target: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "vtspec"
        _install(folder, "--no-deps", str(ROOT))
        _write_layer(target, folder, "opt/vtspec")


def _make_mlflow(target: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "mlflow"
        _install(folder, f"mlflow=={_MLFLOW_VERSION}")
        _write_layer(target, folder, "opt/mlflow")


def _install(folder: Path, *what: str) -> None:
    # A layer's files have no times, by which Python would tell whether bytecode is current.
    install = ("env", "PYC_INVALIDATION_MODE=UNCHECKED_HASH", *_UV, "pip", "install")
    options = ("--quiet", "--compile-bytecode", "--target", str(folder))
    run(*install, *options, "--python-version", _PYTHON, *what)


def _write_layer(target: Path, folder: Path, path: str) -> None:
    for script in (folder / "bin").iterdir():
        # The interpreter that installed it is none of the image's.
        script.write_text(re.sub(r"\A#!.*", "#!/usr/bin/python3", script.read_text()))
    with tarfile.open(target, "w") as layer:
        layer.add(folder, path, filter=_owned_by_root)


def _owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = entry.mtime = 0
    return entry


def _tree_digest() -> str:
    files = []
    for name in _SOURCES:
        path = ROOT / name
        files += sorted(path.rglob("*")) if path.is_dir() else [path]
    return _digest(
        Path(__file__).read_bytes(),
        *(
            f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes()
            for path in files
            if path.is_file() and "__pycache__" not in path.parts
        ),
    )


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]


_BASE = (f"debian-{_digest(_SUITE.encode(), _PACKAGES.encode())}.tar", _make_base)
_MLFLOW_VERSION = importlib.metadata.version("mlflow")
_MLFLOW = (
    f"mlflow-{_digest(_MLFLOW_VERSION.encode(), Path(__file__).read_bytes())}.tar",
    _make_mlflow,
)
