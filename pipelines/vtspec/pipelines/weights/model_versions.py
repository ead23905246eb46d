"""MLflow's model registry: which version a name or an alias means now."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from vtspec.pipelines.errors import Permanent, Temporary

VersionLookup: TypeAlias = Callable[[str, str], str]
"""(model name, `@alias` or version) to the version; raises `Permanent` or `Temporary`."""


def make_version_lookup(uri: str) -> VersionLookup:
    """A look-up in the registry of the MLflow at `uri`. Nothing is asked before the first call.

    Each call raises `Permanent` where there is no such model, version or alias, or MLflow is not
    installed, and `Temporary` where the server does not answer.
    """

    def version_of(name: str, wanted: str) -> str:
        if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists():
            # Asking would make an empty database only to say the same.
            raise _make_missing_error(uri, name, wanted)
        return _fetch_version(uri, name, wanted)

    return version_of


def _fetch_version(uri: str, name: str, wanted: str) -> str:
    for setting, value in (
        ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0"),
        ("MLFLOW_HTTP_REQUEST_TIMEOUT", "10"),
        ("MLFLOW_DISABLE_TELEMETRY", "true"),
        ("GIT_PYTHON_REFRESH", "quiet"),
    ):
        os.environ.setdefault(setting, value)
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise Permanent(
            "models:/… needs MLflow, which is not installed here",
            fix="pip install 'vtspec[tracking]'",
        ) from error
    try:
        client = MlflowClient(tracking_uri=uri)
        if wanted.startswith("@"):
            found = client.get_model_version_by_alias(name, wanted[1:])
        else:
            found = client.get_model_version(name, wanted)
    except MlflowException as error:
        raise _translate_error(uri, name, wanted, error) from error
    except OSError as error:
        raise Temporary(f"MLflow at {uri} could not be reached: {error}", delay_s=30) from error
    return str(found.version)


def _translate_error(uri: str, name: str, wanted: str, error: object) -> Permanent | Temporary:
    words = " ".join(str(error).split())[:300]
    code = getattr(error, "error_code", "")
    if code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND"):
        return _make_missing_error(uri, name, wanted)
    if code in ("PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"):
        return Permanent(f"MLflow at {uri} refused: {words}", fix="see MLFLOW_TRACKING_TOKEN")
    return Temporary(f"MLflow at {uri} did not answer: {words}", delay_s=30)


def _make_missing_error(uri: str, name: str, wanted: str) -> Permanent:
    what = f"'{name}{wanted}'" if wanted.startswith("@") else f"'{name}' version {wanted}"
    return Permanent(
        f"MLflow at {uri} has no model {what}",
        fix="see the Models page there, or MLFLOW_TRACKING_URI for another MLflow",
    )
