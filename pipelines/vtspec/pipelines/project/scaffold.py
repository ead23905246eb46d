"""`vtspec init`: a repository of your own that validates and runs, without a download."""

import math
import os
import posixpath
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final, Literal

from vtspec.adapters.data.content_hash import hash_content
from vtspec.adapters.durable_files import stage_folder
from vtspec.adapters.toy import png
from vtspec.pipelines.errors import Permanent
from vtspec.schema.json_schema.fast_check import get_schemas_folder
from vtspec.schema.problem import SpecError

from .git_command import add_git_settings, build_git_command, build_git_environment
from .repository import find_repository

CLASSES: Final = ("circle", "square", "triangle")

SIDE: Final = 16
"""Pixels of a side of an example picture."""

_SCHEMAS: Final = "schema/v1alpha1"

_KINDS: Final = {
    "vtspec.yaml": "project",
    "specs/datasets": "dataset",
    "specs/experiments": "experiment",
}

PER_CLASS: Final = {"train": 60, "val": 20, "test": 20}

Made = Literal["made", "was there", "added to"]


@dataclass(frozen=True, kw_only=True)
class ScaffoldItem:
    """One thing that `init` looked after; `path` is from the root."""

    path: str
    done: Made


def find_program(name: str) -> str | None:
    """The path of a program: from PATH, or from beside this Python; None where there is none."""
    # A virtual environment that is called by its path, and not activated, is on no PATH.
    beside = Path(sys.executable).with_name(name)
    return shutil.which(name) or (str(beside) if beside.is_file() else None)


def scaffold(
    root: Path,
    name: str,
    report: Callable[[str], None],
    find: Callable[[str], str | None] = find_program,
) -> list[ScaffoldItem]:
    """Make what is missing of a repository in `root`; nothing that is there is changed, but for
    the line that a `.gitignore` lacks.

    `find` finds git and DVC; `report` hears what could not be had, which is no failure. Raises
    `Permanent` where `root` cannot be written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        made = [*_init_git(root, report, find), *_init_dvc(root, find), *_write_files(root, name)]
        if _ignore_runs(root, find("git")):
            added = ScaffoldItem(path=".gitignore", done="added to")
            made = [added if one.path == ".gitignore" else one for one in made]
        return made
    except OSError as error:
        raise Permanent(
            f"{error.filename or root} cannot be written: {error.strerror}",
            fix="vtspec init DIR, with a folder of yours",
        ) from error


def _write_files(root: Path, name: str) -> Iterator[ScaffoldItem]:
    data = root / "data" / "shapes"
    had_data = data.exists()
    if not had_data:
        _write_shapes(data)
    yield ScaffoldItem(path="data/shapes/", done="was there" if had_data else "made")
    # Of what lies there, which may be older than this call: that is what the spec pins.
    words = {"name": name, "hash": hash_content(data).hash}
    # How far pictures are compressed is the machine's own zlib's to say.
    words["bytes"] = str(sum(file.stat().st_size for file in data.rglob("*.png")))
    for path, text in _FILES.items():
        yield _write_file(root, path, _format_schema_line(path) + Template(text).substitute(words))
    for schema in sorted(get_schemas_folder().glob("*.schema.json")):
        yield _write_file(root, f"{_SCHEMAS}/{schema.name}", schema.read_text("utf-8"))


def _ignore_runs(root: Path, git: str | None) -> bool:
    """Keep the runs out of git, wherever `vtspec.yaml` has them; whether a line had to be added.

    Committed by accident they are checkpoints and a database, in the history for ever.
    """
    try:
        runs = find_repository(root).runs.relative_to(root.absolute()).as_posix()
    # A configuration that cannot be read is told by whoever needs it.
    except SpecError:
        return False
    file, line = root / ".gitignore", f"/{runs}/"
    text = file.read_text("utf-8", "surrogateescape")
    if line in text.splitlines() or _is_ignored(root, f"{runs}/x", git):
        return False
    end = "\r\n" if b"\r\n" in file.read_bytes() else "\n"
    gap = "" if not text or text.endswith("\n") else end
    with file.open("ab") as ignored:
        ignored.write(f"{gap}{line}{end}".encode())
    return True


def _is_ignored(root: Path, path: str, git: str | None) -> bool:
    """Whether git leaves the path out, by any of its rules; False where there is no git."""
    if git is None:
        return False
    words = ("check-ignore", "--quiet", "--no-index", "--", path)
    command = build_git_command(root.absolute(), *words, program=git)
    environ = build_git_environment(os.environ)
    return subprocess.run(command, cwd=root, env=environ, capture_output=True).returncode == 0


def _format_schema_line(path: str) -> str:
    """What points an editor from a spec to its kind's JSON Schema."""
    folder, name = posixpath.split(path)
    kind = _KINDS.get(folder or name)
    if kind is None:
        return ""
    seen = posixpath.relpath(f"{_SCHEMAS}/{kind}.schema.json", folder or ".")
    return f"# yaml-language-server: $schema={seen}\n"


def _write_file(root: Path, path: str, text: str) -> ScaffoldItem:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as fresh:
            fresh.write(text)
    except FileExistsError:
        return ScaffoldItem(path=path, done="was there")
    return ScaffoldItem(path=path, done="made")


def _init_git(
    root: Path, report: Callable[[str], None], find: Callable[[str], str | None]
) -> Iterator[ScaffoldItem]:
    if _is_in_git(root):
        yield ScaffoldItem(path=".git/", done="was there")
        return
    git = find("git")
    if git is None:
        report("git is not here, so this is no repository yet; later: git init")
        return
    # Else the branch would have the name that the person's git configuration gives.
    words = ("init", "--quiet", "--initial-branch=main")
    command = build_git_command(root.absolute(), *words, program=git)
    _run_command("git init", command, root)
    yield ScaffoldItem(path=".git/", done="made")


def _is_in_git(root: Path) -> bool:
    # Not `is_dir`: in a worktree or a submodule `.git` is a file.
    here = root.resolve()
    return any((folder / ".git").exists() for folder in (here, *here.parents))


def _init_dvc(root: Path, find: Callable[[str], str | None]) -> Iterator[ScaffoldItem]:
    if (root / ".dvc").exists():
        yield ScaffoldItem(path=".dvc/", done="was there")
        return
    dvc = find("dvc")
    # Only at git's own root can DVC's folder lie here.
    if dvc is not None and (root / ".git").exists():
        _run_command("dvc init", [dvc, "init", "--quiet"], root)
        yield ScaffoldItem(path=".dvc/", done="made")


def _run_command(called: str, command: list[str], root: Path) -> None:
    done = subprocess.run(
        command,
        cwd=root,
        env=add_git_settings(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        why = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
        raise Permanent(
            f"'{called}' failed: {why}",
            fix=f"mend what it says in {root}, and run 'vtspec init' again",
        )


def _write_shapes(folder: Path) -> None:
    """Write the example pictures, all of them or none."""
    # The same pictures everywhere, and so the same content hash and the same plan ids.
    chance = random.Random(0)
    with stage_folder(folder) as made:
        for split, count in PER_CLASS.items():
            for shape in CLASSES:
                (made / split / shape).mkdir(parents=True)
                for number in range(count):
                    png.write(
                        made / split / shape / f"{number:03}.png", _draw_shape(shape, chance)
                    )


def _draw_shape(shape: str, chance: random.Random) -> png.GrayImage:
    """One shape, lighter than its noisy ground, a little off the middle and of varying size."""
    middle_x, middle_y = (SIDE / 2 + chance.uniform(-1.5, 1.5) for _ in range(2))
    radius = chance.uniform(4.0, 6.5)
    light, ground = chance.uniform(150, 220), chance.uniform(40, 90)
    pixels = bytearray()
    for y in range(SIDE):
        for x in range(SIDE):
            inside = _is_inside(shape, (x - middle_x) / radius, (y - middle_y) / radius)
            level = (light if inside else ground) + chance.gauss(0, 20)
            pixels.append(max(0, min(255, round(level))))
    return png.GrayImage(width=SIDE, height=SIDE, pixels=bytes(pixels))


def _is_inside(shape: str, x: float, y: float) -> bool:
    """Whether a point belongs to the shape; its middle is (0, 0), its size 1, y points down."""
    match shape:
        case "circle":
            return math.hypot(x, y) <= 1
        case "square":
            return max(abs(x), abs(y)) <= 0.85
        case _:
            return -1 <= y <= 0.8 and abs(x) <= (y + 1) / 1.8


# Templates with `$`: YAML's own braces would have to be doubled for `str.format`.
_FILES: Final = {
    "vtspec.yaml": """\
# The configuration of this repository; see: vtspec explain
apiVersion: vtspec.dev/v1alpha1
kind: Project
metadata:
  name: $name
spec:
  specs: specs
  runs: runs
""",
    "specs/datasets/shapes.yaml": """\
# 300 small pictures that 'vtspec init' drew. Your own data: vtspec datasets add PATH --name NAME
apiVersion: vtspec.dev/v1alpha1
kind: Dataset
metadata:
  name: shapes
spec:
  description: Circles, squares and triangles under noise, 16 x 16 pixels.
  license: CC0-1.0
  tasks: [image-classification]
  format: imagefolder
  source:
    path: data/shapes
  contentHash: $hash
  classes: [circle, square, triangle]
  splits:
    train: {path: train}
    val: {path: val}
    test: {path: test}
  statistics:
    images: 300
    bytes: $bytes
    splits:
      train: {images: 180, perClass: {circle: 60, square: 60, triangle: 60}}
      val: {images: 60, perClass: {circle: 20, square: 20, triangle: 20}}
      test: {images: 60, perClass: {circle: 20, square: 20, triangle: 20}}
""",
    "specs/experiments/shapes-short.yaml": """\
# One epoch: what 'shapes' is compared with.
apiVersion: vtspec.dev/v1alpha1
kind: Experiment
metadata:
  name: shapes-short
spec:
  task: image-classification
  model:
    name: softmax-regression      # needs nothing installed; others: vtspec models search resnet
  dataset:
    ref: shapes                   # specs/datasets/shapes.yaml
  training:
    epochs: 1
    batchSize: 16
    learningRate: 0.05
    imageSize: 16
    optimizer: sgd
    augmentation: none
  resources: {cpus: 1, memory: 2Gi, maxDuration: 10m}
""",
    "specs/experiments/shapes.yaml": """\
# Your first experiment. What a field means: vtspec explain spec.training.learningRate
apiVersion: vtspec.dev/v1alpha1
kind: Experiment
metadata:
  name: shapes
spec:
  task: image-classification
  model:
    name: softmax-regression      # needs nothing installed; others: vtspec models search resnet
  dataset:
    ref: shapes                   # specs/datasets/shapes.yaml
  training:
    epochs: 20
    batchSize: 16
    learningRate: 0.05
    imageSize: 16
    optimizer: sgd
    augmentation: none
  resources: {cpus: 1, memory: 2Gi, maxDuration: 10m}
  report:
    baseline: shapes-short        # another experiment, whose last run is compared with
    gates: ["accuracy >= 0.8"]    # what must hold on the test split
""",
    ".gitignore": """\
/runs/
.venv/
__pycache__/
""",
    "README.md": """\
# $name

Experiments as checked files: `specs/` says what to train, `runs/` holds what came of it.

    vtspec run shapes-short   # a baseline, trained in a second
    vtspec run shapes         # the experiment: metrics against the baseline, and a report
    vtspec status             # every run

Then train on data of your own:

    vtspec datasets add PATH --name mine   # inspects it and writes specs/datasets/mine.yaml
    vtspec models search resnet            # what can be trained
    vtspec plan specs/experiments/NAME.yaml

`vtspec explain spec.training` says what fields mean; `vtspec validate specs` checks all specs.
""",
}
