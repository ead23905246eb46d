"""MLflow's model registry: which version a name or an alias means now."""

from collections.abc import Callable
from typing import Final, TypeAlias

from vtspec.pipelines.address import Address
from vtspec.pipelines.errors import Permanent

VersionLookup: TypeAlias = Callable[[str, str], str]
"""(model name, `@alias` or version) to the version; raises `Permanent` or `Temporary`."""

_MISSING: Final = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND"})
"""Codes for what is not there: a version `x` is an invalid value to MLflow, not a missing one."""


def make_version_lookup(address: Address) -> VersionLookup:
    """A look-up in the registry of the MLflow there. Nothing is asked before the first call.

    Each call raises `Permanent` where there is no such model, version or alias, or MLflow is not
    installed, and `Temporary` where the server does not answer.
    """

    def version_of(name: str, wanted: str) -> str:
        from vtspec.pipelines.tracking import find_store_file

        file = find_store_file(address)
        if file is not None and not file.exists():
            # Asking would make an empty database only to say the same.
            raise _make_missing_error(address, name, wanted)
        return _fetch_version(address, name, wanted)

    return version_of


def _fetch_version(address: Address, name: str, wanted: str) -> str:
    from vtspec.pipelines.tracking.mlflow_client import make_client, translate_errors

    client = make_client(address, "models:/… needs MLflow, which is not installed here")
    # Only behind the client is MLflow known to be there.
    from mlflow.exceptions import MlflowException

    with translate_errors(address, fix="see MLFLOW_TRACKING_TOKEN", delay_s=30):
        try:
            if wanted.startswith("@"):
                found = client.get_model_version_by_alias(name, wanted[1:])
            else:
                found = client.get_model_version(name, wanted)
        except MlflowException as error:
            if error.error_code in _MISSING:
                raise _make_missing_error(address, name, wanted) from error
            raise
    return str(found.version)


def _make_missing_error(address: Address, name: str, wanted: str) -> Permanent:
    what = f"'{name}{wanted}'" if wanted.startswith("@") else f"'{name}' version {wanted}"
    return Permanent(
        f"MLflow at {address} has no model {what}",
        fix="see the Models page there, or MLFLOW_TRACKING_URI for another MLflow",
    )
