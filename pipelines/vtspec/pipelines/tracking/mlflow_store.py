"""Where an MLflow keeps what it is told, and what is wrong with that before MLflow is asked.

MLflow itself tries a store that cannot be used again and again for up to two minutes, and then
shows the errors of three libraries.
"""

import importlib.util
import os
import re
import socket
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from itertools import chain, count
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.address import Address, parse_address
from vtspec.pipelines.errors import Permanent, Temporary

_SERVERS: Final = frozenset({"http", "https", "databricks", "uc", "databricks-uc"})

_DRIVERS: Final[Mapping[str, tuple[str, str]]] = {
    "postgresql": ("psycopg2", "psycopg2-binary"),
    "mysql": ("MySQLdb", "mysqlclient"),
    "mssql": ("pyodbc", "pyodbc"),
    "postgresql+psycopg2": ("psycopg2", "psycopg2-binary"),
    "postgresql+psycopg": ("psycopg", "psycopg[binary]"),
    "postgresql+asyncpg": ("asyncpg", "asyncpg"),
    "postgresql+pg8000": ("pg8000", "pg8000"),
    "mysql+pymysql": ("pymysql", "pymysql"),
    "mysql+mysqldb": ("MySQLdb", "mysqlclient"),
    "mssql+pyodbc": ("pyodbc", "pyodbc"),
    "mssql+pymssql": ("pymssql", "pymssql"),
}
"""Scheme of a database to its driver: the module, and the package to install (SQLAlchemy 2.1)."""

_PORTS: Final = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}

_WAIT_S: Final = 5.0

_HALF_MADE: Final = re.compile(
    r"(?:table|index) \S+ already exists|duplicate column name|no such (?:table|column|index)"
    r"|has no column named"
)
"""What SQLite says of tables that are neither as they were nor as they are to be."""

_VERSIONS: Final = "alembic_version"
"""The table in which MLflow notes what its store looks like."""


def locate_store(file: Path) -> Address:
    """The address of a SQLite store, whatever characters its path has."""
    path = str(file.resolve())
    quoted = quote(path, safe="/ !#$&'()*+,;=:@~", errors="surrogateescape")
    if not re.search(r"[?%]", path):
        return parse_address(f"sqlite:///{path}")
    # Under its short name MLflow takes the quoted path for a folder, and makes it.
    return parse_address(f"sqlite+pysqlite:///{quoted}")


def find_store_file(address: Address) -> Path | None:
    """The file of a SQLite store; None of any other, and of one in memory."""
    scheme, _, rest = address.uri.partition(":///")
    path = rest.partition("?")[0]
    if scheme not in ("sqlite", "sqlite+pysqlite") or path in ("", ":memory:"):
        return None
    return Path(unquote(path, errors="surrogateescape"))


def is_store_missing(address: Address) -> bool:
    """Whether the address is that of a SQLite file which is not there yet, or holds nothing."""
    file = find_store_file(address)
    return file is not None and (not file.exists() or not file.stat().st_size)


def is_run_lost(address: Address, run_id: str) -> bool:
    """Whether a SQLite store lacks a run that arrived in it once, as one that was begun anew
    does; False of any other store, and of one that cannot be asked now."""
    file = find_store_file(address)
    if file is None:
        return False
    if is_store_missing(address):
        return True
    try:
        with closing(sqlite3.connect(_locate_file(file, "ro"), uri=True)) as store:
            found = store.execute("SELECT 1 FROM runs WHERE run_uuid = ?", (run_id,))
            return found.fetchone() is None
    except sqlite3.Error:
        return False


def describe_half_made(address: Address, words: str) -> Permanent | None:
    """The error of a SQLite store whose tables were left half made, by what SQLite says of it."""
    file = find_store_file(address)
    found = _HALF_MADE.search(words)
    if file is None or found is None:
        return None
    return _refuse_damaged(
        file, f"{file} is damaged, its tables are made in part: {found.group()}"
    )


def _refuse_damaged(file: Path, message: str) -> Permanent:
    names = chain([f"{file}.damaged"], (f"{file}.damaged-{number}" for number in count(2)))
    # `mv` would replace what was moved there before.
    free = next(name for name in names if not os.path.lexists(name))
    moved = format_command("mv", "--", file, free)
    return Permanent(
        message,
        fix=f"put a copy of it back, or begin a new one: {moved} && vtspec sync",
    )


def find_scheme_problem(address: Address) -> Permanent | None:
    """What is wrong with the address by itself: a scheme that MLflow lacks, a missing driver."""
    scheme = _get_scheme(address)
    if scheme in _SERVERS or scheme in ("sqlite", "sqlite+pysqlite"):
        return None
    if scheme in ("", "file"):
        return Permanent(
            f"MLflow no longer keeps runs in a folder: tracking.uri {address}",
            fix=f"name a SQLite file: sqlite:///{_get_folder(address)}/mlflow.db",
        )
    if scheme in _DRIVERS:
        module, package = _DRIVERS[scheme]
        if importlib.util.find_spec(module) is not None:
            return None
        return Permanent(
            f"MLflow at {address} needs {package}, which is not installed here",
            fix=format_command("pip", "install", package),
        )
    return Permanent(
        f"MLflow has no '{scheme}': tracking.uri {address}",
        fix="begin it with https://, sqlite:/// or postgresql://",
    )


def check_store(address: Address, wait_s: float = _WAIT_S) -> None:
    """Raises `Permanent` where MLflow could not use the store, `Temporary` where not now."""
    problem = find_scheme_problem(address)
    if problem is not None:
        raise problem
    file = find_store_file(address)
    if file is not None:
        _check_file(file, wait_s)
    elif _get_scheme(address).partition("+")[0] in _PORTS:
        _check_host(address, wait_s)


def _get_scheme(address: Address) -> str:
    # `databricks` alone is an address to MLflow, and so is a path.
    if address.uri in _SERVERS:
        return address.uri
    return address.uri.partition(":")[0].lower() if ":" in address.uri else ""


def _get_folder(address: Address) -> str:
    return os.path.abspath(unquote(address.uri.removeprefix("file:").removeprefix("//")))


def _check_file(file: Path, wait_s: float) -> None:
    if not file.exists():
        return
    where = _locate_file(file, "rw")
    try:
        with closing(sqlite3.connect(where, timeout=wait_s, uri=True)) as store:
            # Asks for the lock that writing needs, and lets go of it.
            store.execute("BEGIN IMMEDIATE")
            store.execute("ROLLBACK")
            tables = {name for (name,) in store.execute("SELECT name FROM sqlite_master")}
            rows = "SELECT version_num FROM alembic_version"
            versions = {row[0] for row in store.execute(rows)} if _VERSIONS in tables else set()
    except sqlite3.OperationalError as error:
        raise _translate_operational(file, error) from None
    except sqlite3.DatabaseError as error:
        message = f"{file} is no SQLite store, or a damaged one: {error}"
        raise _refuse_damaged(file, message) from None
    _check_versions(file, versions)


def _locate_file(file: Path, mode: str) -> str:
    return f"file:{quote(os.fsencode(file))}?mode={mode}"


def _translate_operational(file: Path, error: sqlite3.Error) -> Permanent | Temporary:
    if "locked" in str(error) or "busy" in str(error):
        return Temporary(
            f"{file} is locked by another process",
            fix=f"see which one has it open: {format_command('fuser', '-v', file)}",
            delay_s=_WAIT_S,
        )
    return Permanent(
        f"{file} cannot be used: {error}",
        fix=f"see its rights: {format_command('ls', '-l', file)}",
    )


def _check_versions(file: Path, versions: set[str]) -> None:
    known = _list_known_versions()
    unknown = versions - known if known else set()
    if unknown:
        raise Permanent(
            f"{file} was made by a newer MLflow than the one here (version {min(unknown)})",
            fix="pip install --upgrade mlflow",
        )


def _list_known_versions() -> set[str]:
    found = importlib.util.find_spec("mlflow")
    folders = [] if found is None else list(found.submodule_search_locations or ())
    files = [
        file
        for folder in folders
        for file in Path(folder, "store", "db_migrations", "versions").glob("*.py")
    ]
    # As MLflow names them: the revision, an underscore, and what it does.
    return {file.name.partition("_")[0] for file in files}


def _check_host(address: Address, wait_s: float) -> None:
    parts = urlsplit(address.uri)
    try:
        port = parts.port or _PORTS[parts.scheme.partition("+")[0]]
        if parts.hostname is None:
            return
        socket.create_connection((parts.hostname, port), timeout=wait_s).close()
    except ValueError:
        raise Permanent(f"{address} has no port", fix="write it as HOST:5432") from None
    except OSError as error:
        raise Temporary(
            f"MLflow at {address} could not be reached: {error.strerror or error}", delay_s=_WAIT_S
        ) from None
