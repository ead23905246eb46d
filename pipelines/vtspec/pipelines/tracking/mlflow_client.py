"""MLflow's client: which server, how patiently it is asked, and its errors as ours.

Whatever talks to MLflow comes through here: runs that are sent there, models that are looked up.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vtspec.adapters.durable_files import stage_file
from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.address import Address, parse_address
from vtspec.pipelines.errors import Permanent, Temporary, refuse_import
from vtspec.pipelines.redaction import make_redactor
from vtspec.pipelines.runs.lock import hold_lock

from .mlflow_login import log_in
from .mlflow_store import (
    check_store,
    describe_half_made,
    find_store_file,
    is_store_missing,
    locate_store,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SETTINGS: Final = {
    # One try of a few seconds: whoever asks tries again itself, and says what it waits for.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    # MLflow looks for git on import, and complains where there is none.
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # It tells each table that it makes, on standard error.
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}


def choose_tracking_uri(
    runs: Path, configured: str | None, environ: Mapping[str, str], given: str | None = None
) -> Address:
    """The MLflow that was `given`, else MLFLOW_TRACKING_URI, else what vtspec.yaml says, else a
    SQLite file in the runs folder."""
    named = given or environ.get("MLFLOW_TRACKING_URI") or configured
    return parse_address(named) if named else locate_store(runs / "mlflow.db")


def make_client(address: Address, missing: str = "MLflow is not installed here") -> "MlflowClient":
    """A client for the MLflow at `address` that gives up within seconds.

    Raises `Permanent` with the text `missing` without the extra, as `check_store` does, and as
    `translate_errors` does.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    is_web = address.uri.startswith(("http://", "https://"))
    try:
        from mlflow import MlflowClient

        if is_web:
            log_in(address)
    except ImportError as error:
        fix = "pip install 'vtspec[tracking]'"
        raise refuse_import(error, "mlflow", missing, fix) from error
    with translate_errors(address), _lock_first_use(address):
        check_store(address)
        if is_store_missing(address):
            _make_store(address)
        return MlflowClient(tracking_uri=address.uri if is_web else address.full)


@contextmanager
def translate_errors(
    address: Address, fix: str | None = None, delay_s: float = 5
) -> Iterator[None]:
    """Turn MLflow's and HTTP's errors into ours.

    What may pass (unreachable, 429, 5xx) is `Temporary`, to be tried after `delay_s`; a refusal
    is `Permanent`, with `fix`, or with what is known to help.
    """
    try:
        yield
    except (Permanent, Temporary):
        raise
    except Exception as error:
        raise _convert_error(address, fix, delay_s, error) from None


@contextmanager
def _lock_first_use(address: Address) -> Iterator[None]:
    """One process at a time makes the tables of a new SQLite store."""
    file = find_store_file(address)
    if file is None:
        yield
        return
    with hold_lock(file.with_suffix(".lock")):
        yield


def _make_store(address: Address) -> None:
    """Make the tables of a SQLite store aside, so that a kill leaves none or all of them: MLflow
    goes through some fifty changes of them, and cannot go on where it was killed within one."""
    from mlflow.store import tracking
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    file = find_store_file(address)
    assert file is not None
    # A link stays one, and what it leads to is made.
    with stage_file(file.resolve()) as hidden:
        artifacts = tracking.DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH
        SqlAlchemyStore(locate_store(hidden).full, artifacts).engine.dispose()


def _convert_error(
    address: Address, fix: str | None, delay_s: float, error: Exception
) -> Exception:
    from mlflow.exceptions import MlflowException

    hidden = make_redactor(os.environ).with_address(address)
    words = hidden.redact_text(" ".join(str(error).split()))[:300]
    if "out-of-date database schema" in words:
        upgrade = format_command("mlflow", "db", "upgrade", address.uri)
        return Permanent(
            f"MLflow at {address} was made by an older MLflow",
            fix=f"keep a copy of it, then: {upgrade} && vtspec sync",
        )
    half_made = describe_half_made(address, words)
    if half_made is not None:
        return half_made
    if isinstance(error, MlflowException):
        # "API request …" is about an answer that is not MLflow's own: a proxy's 404 may pass.
        refused = error.get_http_status_code() in (400, 401, 403, 404, 409)
        if refused and "API request" not in words:
            helps = fix or _suggest_fix(address, words)
            return Permanent(f"MLflow at {address} refused: {words}", fix=helps)
        return Temporary(f"MLflow at {address} did not answer: {words}", delay_s=delay_s)
    # A SQLite store reports a locked or full disk in its own ways.
    if isinstance(error, OSError) or type(error).__module__.startswith(("sqlalchemy", "sqlite3")):
        # Behind the first sentence SQLAlchemy shows the statement and its values.
        cause = words.partition(" [SQL:")[0].partition(" (Background on")[0]
        return Temporary(f"MLflow at {address} could not be reached: {cause}", delay_s=delay_s)
    return error


_DELETED: Final = re.compile(
    r"(experiment|run) (\S+) must be in the 'active' state", re.IGNORECASE
)


def _suggest_fix(address: Address, words: str) -> str:
    found = _DELETED.search(words)
    if found is None:
        return "see its log, then: vtspec sync"
    what, name = found[1].lower(), found[2].strip("'")
    flag = "--experiment-id" if what == "experiment" else "--run-id"
    store = format_command("env", f"MLFLOW_TRACKING_URI={address}")
    restore = format_command("mlflow", f"{what}s", "restore", flag, name)
    other = ", or set another tracking.experiment" if what == "experiment" else ""
    return f"{store} {restore} && vtspec sync{other}"
