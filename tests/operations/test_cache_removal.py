"""What the cache of this machine keeps, and what is freed of it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from vtspec.cli.main import cli
from vtspec.pipelines.cache_folder import get_use_file
from vtspec.pipelines.operations.cache_removal import list_unused_entries, prune_cache

DAY_S = 86_400
PROJECT = "apiVersion: vtspec.dev/v1alpha1\nkind: Project\nmetadata: {name: vision}\nspec:\n  "


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VTSPEC_CACHE", str(tmp_path / "cache"))
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


def keep(cache: Path, name: str, days: float, size: int = 1000) -> Path:
    entry = cache / name
    entry.mkdir(parents=True)
    (entry / "content").write_bytes(bytes(size))
    then = time.time() - days * DAY_S
    get_use_file(entry).touch()
    os.utime(get_use_file(entry), (then, then))
    return entry


def left(cache: Path) -> list[str]:
    return sorted(f"{path.parent.name}/{path.name}" for path in cache.glob("*/*") if path.is_dir())


def typed(*words: str) -> Result:
    return CliRunner().invoke(cli, words, standalone_mode=False)


def a_user(entry: Path) -> "subprocess.Popen[str]":
    """A process that uses an entry until its input ends."""
    code = (
        "import sys; from pathlib import Path; "
        "from vtspec.pipelines.cache_folder import mark_in_use; "
        "mark_in_use(Path(sys.argv[1])); print('using', flush=True); sys.stdin.read()"
    )
    user = subprocess.Popen(
        [sys.executable, "-c", code, str(entry)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert user.stdout is not None
    assert user.stdout.readline() == "using\n"
    return user


def test_what_was_not_used_for_so_long_goes_and_the_rest_stays(cache: Path) -> None:
    for kind in ("data", "environments", "adapters", "mlflow"):
        keep(cache, f"{kind}/old", days=31)
        keep(cache, f"{kind}/new", days=29)
    keep(cache, "stores/s3%3A%2F%2Fruns", days=400)
    result = typed("prune", "--caches", "30d", "--yes")
    assert "removed 4 entries of the cache" in result.output
    assert left(cache) == [
        "adapters/new",
        "data/new",
        "environments/new",
        "mlflow/new",
        "stores/s3%3A%2F%2Fruns",
    ]


def test_a_dry_run_says_what_would_go_and_since_when_it_lies_there(cache: Path) -> None:
    keep(cache, "data/old", days=31, size=3 * 2**20)
    result = typed("prune", "--caches", "30d", "--dry-run")
    since = time.strftime("%Y-%m-%d", time.localtime(time.time() - 31 * DAY_S))
    assert f"data/old  3.0 MiB  not used since {since}" in result.output
    assert "1 entry of the cache would be removed, 3.0 MiB" in result.output
    assert left(cache) == ["data/old"]


def test_nothing_goes_unasked(cache: Path) -> None:
    keep(cache, "data/old", days=31)
    assert "add --yes" in str(getattr(typed("prune", "--caches", "30d").exception, "fix", ""))
    assert left(cache) == ["data/old"]


def test_what_a_process_uses_stays_however_long_it_takes(cache: Path) -> None:
    entry = keep(cache, "data/old", days=31)
    user = a_user(entry)
    try:
        then = time.time() - 31 * DAY_S
        os.utime(get_use_file(entry), (then, then))
        assert prune_cache(cache, time.time()) == []
        assert left(cache) == ["data/old"]
    finally:
        user.communicate("")
    assert [one.name for one in prune_cache(cache, time.time() - DAY_S)] == ["data/old"]


def test_a_use_is_remembered(cache: Path) -> None:
    entry = keep(cache, "environments/timm-0", days=31)
    a_user(entry).communicate("")
    assert list_unused_entries(cache, time.time() - DAY_S) == []


def test_a_use_is_told_of_where_the_cache_can_only_be_read(cache: Path) -> None:
    entry = keep(cache, "data/old", days=31)
    get_use_file(entry).chmod(0o444)
    entry.parent.chmod(0o555)
    user = a_user(entry)
    entry.parent.chmod(0o755)
    try:
        assert prune_cache(cache, time.time()) == []
    finally:
        user.communicate("")


def test_one_of_an_earlier_version_is_as_old_as_its_folder(cache: Path) -> None:
    entry = keep(cache, "data/old", days=0)
    get_use_file(entry).unlink()
    then = time.time() - 31 * DAY_S
    os.utime(entry, (then, then))
    assert [one.path for one in list_unused_entries(cache, time.time() - 30 * DAY_S)] == [entry]


@pytest.mark.parametrize("name", [".gone-0123", ".0123.new"])
def test_what_a_killed_process_left_goes_too(cache: Path, name: str) -> None:
    half = keep(cache, f"data/{name}", days=31)
    then = time.time() - 31 * DAY_S
    os.utime(half, (then, then))
    assert len(prune_cache(cache, time.time() - 30 * DAY_S)) == 1
    assert left(cache) == []


def test_nothing_old_is_told_as_such(cache: Path) -> None:
    result = typed("prune", "--caches", "30d")
    assert result.output == f"no run to remove\nnothing in {cache} that was not used for 30d\n"


def test_retention_says_it_where_no_flag_does(cache: Path, tmp_path: Path) -> None:
    keep(cache, "data/old", days=20)
    (tmp_path / "vtspec.yaml").write_text(PROJECT + "retention: {caches: 14d, unfinished: true}")
    result = typed("prune", "--dry-run")
    assert "by retention of vtspec.yaml: unfinished true, caches 14d" in result.output
    assert "data/old" in result.output
    result = typed("prune", "--dry-run", "--caches", "30d", "--no-unfinished")
    assert "by retention" not in result.output
    assert "data/old" not in result.output
