"""What DVC's own files say of a path: `<path>.dvc` and `dvc.lock`, read as data.

DVC itself is not needed, nothing is run, the data is not looked at, and only files whose names
follow from the path are opened, in the working tree or in a commit.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.errors import Permanent, refuse_system_error
from vtspec.pipelines.project.source_tree import WORKING_TREE, SourceTree

_MD5: Final = re.compile(r"[0-9a-f]{32}(\.dir)?")
PARAMS: Final = "params.yaml"
"""The file whose values DVC's templates know unasked."""

_MAX_BYTES: Final = 16 * 2**20


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """What DVC pinned: `hash` (`md5:…`, a folder's with `.dir`), bytes, number of files.

    `file` is the DVC file that says so, from the root.
    """

    hash: str
    size: int | None
    nfiles: int | None
    file: str


def load_pointer(root: Path, path: str, tree: SourceTree = WORKING_TREE) -> Pointer:
    """What `find_pointer` finds; raises `Permanent`, with what to type, where it finds nothing."""
    found = find_pointer(root, path, tree)
    if found is None:
        raise Permanent(
            f"DVC does not track {path}: there is no {path}.dvc, and no dvc.lock names it",
            fix=f"{format_command('dvc', 'add', path)}    "
            f"(or, where a stage of dvc.yaml makes it: {format_command('dvc', 'repro', path)})",
        )
    return found


def find_pointer(root: Path, path: str, tree: SourceTree = WORKING_TREE) -> Pointer | None:
    """What `<path>.dvc`, or a `dvc.lock` in one of the folders above it, pins for `path`.

    `path` is relative to `root`, with forward slashes. None where no such file knows the path.
    Raises `Permanent`, with what to type, where one tracks only a folder around it, where two
    disagree, and where one is damaged.
    """
    wanted = posixpath.normpath(path)
    if posixpath.isabs(path) or wanted.split("/")[0] in ("..", ".", ""):
        raise Permanent(f"'{path}' is no path below the repository", fix="write it as data/cats")
    found = []
    around = None
    for file in _iter_candidates(wanted):
        for tracked, out in _iter_outs(_Files(root, tree), file):
            if tracked == wanted:
                found.append(_parse_pointer(out, wanted, file))
            elif wanted.startswith(f"{tracked}/"):
                around = (tracked, file)
    if len({pointer.hash for pointer in found}) > 1:
        files = " and ".join(pointer.file for pointer in found)
        raise Permanent(
            f"{files} disagree on {wanted}", fix=format_command("dvc", "remove", found[0].file)
        )
    if found:
        return found[0]
    if around is not None:
        raise _make_inside_error(wanted, *around)
    return None


def _iter_candidates(path: str) -> Iterator[str]:
    """DVC files that could track `path`: its own, one for each folder around it, and the locks."""
    tracked = path
    while tracked:
        yield f"{tracked}.dvc"
        tracked = posixpath.dirname(tracked)
        yield posixpath.join(tracked, "dvc.lock")


def _make_inside_error(path: str, tracked: str, file: str) -> Permanent:
    below = posixpath.relpath(path, tracked)
    return Permanent(
        f"{path} lies inside {tracked}, which {file} pins as a whole",
        fix=f"set source.dvc.path to {tracked} and begin the paths of the splits with {below}/",
    )


def _iter_outs(files: "_Files", file: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The outputs in a DVC file: path from the root, entry."""
    content = files.read_yaml(file)
    if content is None:
        return
    if file.endswith(".dvc"):
        yield from _iter_entry_outs(content, _to_string(content.get("wdir"), "."), file)
        return
    for name, stage in _to_mapping(content.get("stages"), file).items():
        entry = _to_mapping(stage, file)
        if entry.get("outs"):
            yield from _iter_entry_outs(entry, _read_stage_folder(files, file, name), file)


def _iter_entry_outs(
    entry: Mapping[str, Any], wdir: str, file: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    outs = entry.get("outs")
    if not isinstance(outs, list):
        raise _make_error(file, "'outs' is not a list")
    for out in outs:
        path = _to_string(_to_mapping(out, file).get("path"), "")
        if not path:
            raise _make_error(file, "an output has no 'path'")
        yield posixpath.normpath(posixpath.join(posixpath.dirname(file), wdir, path)), out


def _read_stage_folder(files: "_Files", lock: str, stage: str) -> str:
    """The folder that a stage's paths start from: `wdir` in dvc.yaml, which the lock lacks."""
    declared = files.read_yaml(posixpath.join(posixpath.dirname(lock), "dvc.yaml")) or {}
    entry = _to_mapping(_to_mapping(declared.get("stages"), lock).get(stage.split("@")[0]), lock)
    wdir = entry.get("wdir") or _to_mapping(entry.get("do"), lock).get("wdir")
    if not isinstance(wdir, str) or "${" not in wdir:
        return _to_string(wdir, ".")
    folder = posixpath.dirname(lock)
    shared = [PARAMS, *_to_list(declared.get("vars"))]
    # A stage's own come last: they go before those of the file.
    values = _read_variables(files, folder, [*shared, *_to_list(entry.get("vars"))])
    return _fill_in(wdir, values | _find_item(entry, stage), posixpath.join(folder, "dvc.yaml"))


def _read_variables(files: "_Files", folder: str, declared: list[object]) -> dict[str, Any]:
    """The values of `vars`: mappings as they stand, files by their names from `folder`."""
    values: dict[str, Any] = {}
    for each in declared:
        if isinstance(each, dict):
            values |= each
        elif isinstance(each, str):
            # `params.yaml:a,b` takes these keys alone; that the others are known too harms nobody.
            name = posixpath.normpath(posixpath.join(folder, each.partition(":")[0]))
            values |= {} if name.startswith("..") else files.read_yaml(name) or {}
    return values


def _find_item(entry: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """What `item` and `key` are in `NAME@WHICH`, a stage that was made by `foreach`."""
    which, items = stage.partition("@")[2], entry.get("foreach")
    if not which:
        return {}
    if isinstance(items, dict):
        return {"key": which, "item": items.get(which)}
    given = _to_list(items)
    # Of a list, DVC names the stages by the items, or where these are no text by their numbers.
    if which not in given and which.isdecimal() and int(which) < len(given):
        return {"item": given[int(which)]}
    return {"item": which}


def _fill_in(text: str, values: Mapping[str, Any], file: str) -> str:
    """The text with `${a.b}` and `${a[0]}` replaced, as DVC does it."""

    def find(found: re.Match[str]) -> str:
        value: Any = values
        for key in re.findall(r"[^.\[\]\s]+", found[1]):
            if isinstance(value, list):
                value = value[int(key)] if key.isdecimal() and int(key) < len(value) else None
            else:
                value = value.get(key) if isinstance(value, dict) else None
        if not isinstance(value, str):
            raise Permanent(
                f"{file}: nothing says what {found[0]} is, in 'wdir: {text}'",
                fix=f"write it out, or give it a value below 'vars:' or in {PARAMS}",
            )
        return value

    return re.sub(r"\$\{([^}]*)\}", find, text)


def _to_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _parse_pointer(out: Mapping[str, Any], path: str, file: str) -> Pointer:
    md5 = out.get("md5")
    if md5 is None:
        raise Permanent(
            f"{file}: {path} has no md5 yet",
            fix=f"{format_command('dvc', 'commit', file)}    (or: dvc repro, dvc pull)",
        )
    # It becomes a part of paths in the cache.
    if not isinstance(md5, str) or not _MD5.fullmatch(md5):
        raise _make_error(file, f"'{md5}' is no MD5")
    if out.get("hash") != "md5":
        # DVC 2 took the MD5 of text files as if they had Unix line ends, which no other tool does.
        raise Permanent(
            f"{file}: the hash of {path} is of DVC 2's kind",
            fix="dvc cache migrate && dvc cache migrate --dvc-files",
        )
    return Pointer(
        hash=f"md5:{md5}",
        size=_to_int(out.get("size"), file),
        nfiles=_to_int(out.get("nfiles"), file),
        file=file,
    )


@dataclass(frozen=True)
class _Files:
    """The DVC files below a root."""

    root: Path
    tree: SourceTree

    def read_yaml(self, file: str) -> Mapping[str, Any] | None:
        try:
            with self.tree.open(self.root / file) as opened:
                text = opened.read(_MAX_BYTES + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise refuse_system_error(error) or Permanent(
                f"{file} cannot be read: {error.strerror}"
            ) from error
        if len(text) > _MAX_BYTES:
            raise _make_error(file, f"it is larger than {_MAX_BYTES // 2**20} MiB")
        return _to_mapping(_parse_yaml(text, file), file)


def _parse_yaml(text: bytes, file: str) -> Any:
    import yaml

    if re.search(rb"^<{7} |^>{7} ", text, re.MULTILINE):
        raise Permanent(
            f"{file} has a merge conflict in it",
            fix="keep one side of it "
            f"({format_command('git', 'checkout', '--ours', '--', file)}), then dvc status",
        )
    try:
        # Every scalar stays a string: an MD5 of digits alone would become a number.
        loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, loader)):
            # An alias can make a short file huge, and DVC writes none.
            raise _make_error(file, "it has a YAML alias in it")
        return yaml.load(text, loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _make_error(file, "it is no YAML") from error


def _to_mapping(value: object, file: str) -> Mapping[str, Any]:
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise _make_error(file, f"'{str(value)[:40]}' stands where keys and values should")
    return value


def _to_string(value: object, default: str) -> str:
    return value if isinstance(value, str) and value else default


def _to_int(value: object, file: str) -> int | None:
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,18}", value):
        raise _make_error(file, f"'{value}' is no number")
    return int(value)


def _make_error(file: str, why: str) -> Permanent:
    return Permanent(
        f"{file} is not as DVC writes it: {why}", fix=format_command("git", "checkout", "--", file)
    )
