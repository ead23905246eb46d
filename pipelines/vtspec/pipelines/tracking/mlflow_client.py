"""MLflow's client: which server, how patiently it is asked, and its errors as ours.

Whatever talks to MLflow comes through here: runs that are sent there, models that are looked up.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vtspec.pipelines.errors import Permanent, Temporary, refuse_import
from vtspec.pipelines.runs.lock import hold_lock

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SETTINGS: Final = {
    # One try of a few seconds: whoever asks tries again itself, and says what it waits for.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    # MLflow looks for git on import, and complains where there is none.
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


def choose_tracking_uri(runs: Path, configured: str | None, environ: Mapping[str, str]) -> str:
    """MLFLOW_TRACKING_URI, else what vtspec.yaml says, else a SQLite file in the runs folder."""
    return (
        environ.get("MLFLOW_TRACKING_URI")
        or configured
        or f"sqlite:///{(runs / 'mlflow.db').resolve()}"
    )


def make_client(uri: str, missing: str = "MLflow is not installed here") -> "MlflowClient":
    """A client for `uri` that gives up within seconds.

    Raises `Permanent` with the text `missing` without the extra, and as `translate_errors` does.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        from mlflow import MlflowClient
    except ImportError as error:
        fix = "pip install 'vtspec[tracking]'"
        raise refuse_import(error, "mlflow", missing, fix) from error
    with translate_errors(uri), _lock_first_use(uri):
        return MlflowClient(tracking_uri=uri)


@contextmanager
def translate_errors(
    uri: str, fix: str = "see its log, then: vtspec sync", delay_s: float = 5
) -> Iterator[None]:
    """Turn MLflow's and HTTP's errors into ours.

    What may pass (unreachable, 429, 5xx) is `Temporary`, to be tried after `delay_s`; a refusal
    is `Permanent`, with `fix`.
    """
    try:
        yield
    except (Permanent, Temporary):
        raise
    except Exception as error:
        raise _convert_error(uri, fix, delay_s, error) from error


@contextmanager
def _lock_first_use(uri: str) -> Iterator[None]:
    """One process at a time makes the tables of a new SQLite store."""
    if not uri.startswith("sqlite:///"):
        yield
        return
    with hold_lock(Path(uri.removeprefix("sqlite:///")).with_suffix(".lock")):
        yield


def _convert_error(uri: str, fix: str, delay_s: float, error: Exception) -> Exception:
    from mlflow.exceptions import MlflowException

    words = " ".join(str(error).split())[:300]
    if isinstance(error, MlflowException):
        # "API request …" is about an answer that is not MLflow's own: a proxy's 404 may pass.
        refused = error.get_http_status_code() in (400, 401, 403, 404, 409)
        if refused and "API request" not in words:
            return Permanent(f"MLflow at {uri} refused: {words}", fix=fix)
        return Temporary(f"MLflow at {uri} did not answer: {words}", delay_s=delay_s)
    # A SQLite store reports a locked or full disk in its own ways.
    if isinstance(error, OSError) or type(error).__module__.startswith(("sqlalchemy", "sqlite3")):
        return Temporary(f"MLflow at {uri} could not be reached: {words}", delay_s=delay_s)
    return error
