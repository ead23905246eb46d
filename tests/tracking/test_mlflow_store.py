"""What is wrong with a store is told in a line and at once, not after minutes of trying."""

import os
import shlex
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlflow_server import free_port
from vtspec.pipelines.address import parse_address
from vtspec.pipelines.errors import Permanent, Temporary
from vtspec.pipelines.tracking.mlflow_store import (
    check_store,
    find_scheme_problem,
    find_store_file,
    locate_store,
)


@pytest.mark.parametrize("name", ["runs", "a?b", "a%20b", "a b#c", "한글", "x'\"$(y)"])
def test_a_store_is_found_where_it_was_put(tmp_path: Path, name: str) -> None:
    file = tmp_path / name / "mlflow.db"
    assert file == find_store_file(locate_store(file))


def test_a_path_without_marks_is_written_as_ever(tmp_path: Path) -> None:
    assert f"sqlite:///{tmp_path}/mlflow.db" == locate_store(tmp_path / "mlflow.db").uri


@pytest.mark.parametrize(
    ("uri", "fix"),
    [
        ("postgresql://me:secret-word@host/db", "pip install psycopg2-binary"),
        ("mysql+pymysql://host/db", "pip install pymysql"),
        ("mssql://host/db", "pip install pyodbc"),
        ("nonsense://host", "begin it with https://, sqlite:/// or postgresql://"),
        ("ftp://host", "begin it with https://, sqlite:/// or postgresql://"),
        ("mlruns", f"name a SQLite file: sqlite:///{os.getcwd()}/mlruns/mlflow.db"),
        ("file:///x/mlruns", "name a SQLite file: sqlite:////x/mlruns/mlflow.db"),
    ],
)
def test_an_mlflow_that_cannot_be_had_is_told_with_what_to_type(uri: str, fix: str) -> None:
    problem = find_scheme_problem(parse_address(uri))
    assert problem is not None and fix == problem.fix
    assert "secret-word" not in str(problem)


@pytest.mark.parametrize("uri", ["http://host", "https://host", "sqlite:///x.db", "databricks"])
def test_an_mlflow_that_may_be_there_is_no_problem(uri: str) -> None:
    assert None is find_scheme_problem(parse_address(uri))


@pytest.mark.slow
def test_the_tables_that_mlflow_makes_are_told_to_nobody(tmp_path: Path) -> None:
    words = """
import sys
from vtspec.pipelines.address import parse_address
from vtspec.pipelines.tracking.mlflow_client import make_client
make_client(parse_address(sys.argv[1])).search_experiments()
"""
    uri = locate_store(tmp_path / "mlflow.db").uri
    environ = {name: one for name, one in os.environ.items() if name != "MLFLOW_LOGGING_LEVEL"}
    done = subprocess.run(
        [sys.executable, "-c", words, uri], env=environ, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")


def _damage(file: Path) -> None:
    file.write_bytes(b"no database at all, but of some length" * 100)


def _age(file: Path) -> None:
    with sqlite3.connect(file) as store:
        store.execute("CREATE TABLE alembic_version (version_num TEXT)")
        store.execute("INSERT INTO alembic_version VALUES ('ffffffffffff')")
    store.close()


def _replace_by_folder(file: Path) -> None:
    file.mkdir()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_damage, "is no SQLite store, or a damaged one"),
        (_age, "was made by a newer MLflow"),
        (_replace_by_folder, "cannot be used"),
    ],
)
def test_a_store_that_cannot_be_used_is_told_in_a_line(
    tmp_path: Path, spoil: Callable[[Path], None], words: str
) -> None:
    file = tmp_path / "mlflow.db"
    spoil(file)
    with pytest.raises(Permanent, match=words) as raised:
        check_store(locate_store(file))
    assert "\n" not in raised.value.message and raised.value.fix


def test_the_fix_of_a_damaged_store_moves_it_away(tmp_path: Path) -> None:
    file = tmp_path / "a b'; touch x" / "mlflow.db"
    file.parent.mkdir()
    _damage(file)
    with pytest.raises(Permanent) as raised:
        check_store(locate_store(file))
    command = str(raised.value.fix).partition("a new one: ")[2].partition(" && ")[0]
    assert ["mv", "--", str(file), f"{file}.damaged"] == shlex.split(command)


def test_what_was_moved_away_before_is_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    (tmp_path / "mlflow.db.damaged").write_text("the first one")
    _damage(file)
    with pytest.raises(Permanent) as raised:
        check_store(locate_store(file))
    assert f"mv -- {file} {file}.damaged-2" in str(raised.value.fix)


def test_a_locked_store_is_for_later(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    holder = sqlite3.connect(file)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(Temporary, match="is locked by another process"):
            check_store(locate_store(file), wait_s=0.05)
    finally:
        holder.close()
    check_store(locate_store(file))


def test_a_database_that_is_away_is_told_within_seconds() -> None:
    begun = time.monotonic()
    with pytest.raises((Temporary, Permanent), match=r"127\.0\.0\.1"):
        check_store(parse_address(f"postgresql://me:secret@127.0.0.1:{free_port()}/db"))
    assert time.monotonic() - begun < 10
