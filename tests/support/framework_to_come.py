"""A framework whose models are known and whose adapter is to come, beside the real ones.

It is invented, so that no framework which gets its adapter is taken for one that has none.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from vtspec.adapters.catalogs.catalog_format import FORM, dump
from vtspec.pipelines import catalog

NAME = "lantern"
CLASSIFIER = "glow-small"
WRITER = "glow-words"

TOLD = f"the adapter for {NAME} is not there yet"

_IMAGE = f"""\
apiVersion: vtspec.dev/v1alpha1
kind: Image
name: {NAME}
adapter: {NAME}
adapterVersion: "0"
tasks: [image-classification, text-generation]
formats: [imagefolder, jsonl]
extra: null
python: "3.11"
licence: MIT
distributions: []
"""

_MODELS = {
    CLASSIFIER: {"tasks": ["image-classification"], "parameters": 5_000_000, "perClass": 101},
    WRITER: {"tasks": ["text-generation"], "parameters": 5_000_000},
}

_MAIN = """\
import sys
from pathlib import Path
from vtspec.pipelines import catalog
images = Path(sys.argv.pop(1))
catalog.get_images_folder = lambda: images
from vtspec.cli.main import main
main()
"""


def write_frameworks(folder: Path) -> Path:
    """Links to the images that there are, and that of the framework to come, in a new folder."""
    folder.mkdir()
    for image in catalog.get_images_folder().iterdir():
        (folder / image.name).symlink_to(image)
    own = folder / NAME
    own.mkdir()
    (own / "image.yaml").write_text(_IMAGE)
    models = {name: {**raw, "weights": []} for name, raw in _MODELS.items()}
    head = {"form": FORM, "framework": NAME, "versions": {}, "renamed": {}}
    (own / "catalog.json").write_text(dump(json.loads(json.dumps({**head, "models": models}))))
    return folder


def run_vtspec(
    frameworks: Path, cwd: Path, *words: str, variables: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """The command line with `frameworks` in place of its own, in a process and without a hub."""
    hub = {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(cwd / "no-cache")}
    return subprocess.run(
        [sys.executable, "-c", _MAIN, str(frameworks), *words],
        cwd=cwd,
        env={**os.environ, **hub, **(variables or {})},
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def using(frameworks: Path) -> Iterator[None]:
    """`frameworks` in place of this process' own, for as long as the context lasts."""
    own = catalog.get_images_folder
    catalog.get_images_folder = lambda: frameworks
    catalog.load_frameworks.cache_clear()
    try:
        yield
    finally:
        catalog.get_images_folder = own
        catalog.load_frameworks.cache_clear()
