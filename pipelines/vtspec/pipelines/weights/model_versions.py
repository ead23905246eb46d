"""MLflow's model registry: which version a name or an alias means now, and the files of one."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from vtspec.pipelines.address import Address
from vtspec.pipelines.cache_folder import mark_in_use
from vtspec.pipelines.errors import Permanent

if TYPE_CHECKING:
    from mlflow import MlflowClient

_T = TypeVar("_T")

VersionLookup: TypeAlias = Callable[[str, str], str]
"""(model name, `@alias` or version) to the version; raises `Permanent` or `Temporary`."""

ModelDownload: TypeAlias = Callable[[str, str, Path], Path]
"""(model name, version, cache folder) to a folder below it with the version's files; raises
`Permanent` or `Temporary`."""

_NOT_INSTALLED: Final = "models:/… needs MLflow, which is not installed here"

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
    if wanted.startswith("@"):
        found = _ask(address, lambda asked: asked.get_model_version_by_alias(name, wanted[1:]))
    else:
        found = _ask(address, lambda asked: asked.get_model_version(name, wanted))
    if found is None:
        raise _make_missing_error(address, name, wanted)
    return str(found.version)


def list_aliases(address: Address, name: str, version: str) -> tuple[str, ...]:
    """The aliases that name a version in the registry of the MLflow there; none where the version
    is gone. Raises as a look-up does."""
    from vtspec.pipelines.tracking import is_store_missing

    if is_store_missing(address):
        return ()
    # A version itself does not say which aliases it has in every store.
    model = _ask(address, lambda asked: asked.get_registered_model(name))
    aliases = {} if model is None else model.aliases
    return tuple(alias for alias, named in aliases.items() if str(named) == version)


def _ask(address: Address, call: "Callable[[MlflowClient], _T]") -> _T | None:
    """What the registry there answers; None where it has no such model, version or alias."""
    from vtspec.pipelines.tracking.mlflow_client import make_client, translate_errors

    client = make_client(address, _NOT_INSTALLED)
    # Only behind the client is MLflow known to be there.
    from mlflow.exceptions import MlflowException

    with translate_errors(address, fix="see MLFLOW_TRACKING_TOKEN", delay_s=30):
        try:
            return call(client)
        except MlflowException as error:
            if error.error_code in _MISSING:
                return None
            raise


def make_model_download(find_address: Callable[[], Address]) -> ModelDownload:
    """What brings the files of a version from the MLflow there, which is asked for at a call.

    Each call raises as a look-up does.
    """

    def download(name: str, version: str, cache: Path) -> Path:
        address = find_address()
        make_version_lookup(address)(name, version)
        # Another server may have another model of that name.
        key = "\0".join((address.uri, name, version)).encode()
        folder = cache / "mlflow" / hashlib.sha256(key).hexdigest()[:16]
        mark_in_use(folder)
        return _download_version(address, name, version, folder)

    return download


def _download_version(address: Address, name: str, version: str, folder: Path) -> Path:
    from vtspec.pipelines.tracking.mlflow_client import make_client, translate_errors

    client = make_client(address, _NOT_INSTALLED)
    # Only behind the client is MLflow known to be there.
    from mlflow.artifacts import download_artifacts

    with translate_errors(address, fix="see MLFLOW_TRACKING_TOKEN", delay_s=30):
        # Not `models:/…`: that is looked up in the process's own registry, whatever is passed.
        kept = client.get_model_version_download_uri(name, version)
        where = download_artifacts(kept, dst_path=str(folder), tracking_uri=client.tracking_uri)
    return Path(where)


def _make_missing_error(address: Address, name: str, wanted: str) -> Permanent:
    what = f"'{name}{wanted}'" if wanted.startswith("@") else f"'{name}' version {wanted}"
    return Permanent(
        f"MLflow at {address} has no model {what}",
        fix="see the Models page there, or MLFLOW_TRACKING_URI for another MLflow",
    )
