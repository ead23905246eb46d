"""Objects of an S3-compatible store, by `obstore`: AWS, R2, GCS, MinIO and what else speaks it.

Credentials, endpoint and region are those of the environment (`AWS_*`), as every S3 client reads
them, or with `OWN_PREFIX` before their names where others have theirs there too. A write may say
what it expects to replace, so that of two writers one is told.
"""

import importlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from vtspec.pipelines.errors import Permanent, Refused, Temporary, refuse_import

_T = TypeVar("_T")

OWN_PREFIX: Final = "VTSPEC_RUNS_"
"""Before the name of a variable that is this store's alone."""

_OWN: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
)

_CHUNK: Final = 8 << 20


class Overtaken(Exception):
    """What was to be replaced is not there any more as it was: somebody else wrote it."""


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    """One object: its key below the store's prefix, its bytes, the tag of its content, and when
    it was written, in seconds since 1970."""

    key: str
    size: int
    tag: str
    modified: float


class ObjectStore:
    """The objects below a prefix of a bucket.

    Every method raises `Temporary` where the store is away, `Refused` where it refuses who asks or
    has no such bucket, and `Permanent` for whatever else it answers.
    """

    def __init__(self, url: str, environ: Mapping[str, str] = os.environ) -> None:
        self.url = url.rstrip("/")
        self._store = _open(self.url, environ)

    def list_objects(self, prefix: str = "") -> Iterator[StoredObject]:
        """Every object whose key begins with the prefix, which ends with `/` or is empty."""
        batches = self._ask(lambda: _library().list(self._store, prefix or None))
        while True:
            batch = self._ask(lambda: next(batches, None))
            if batch is None:
                return
            for each in batch:
                yield _describe(each)

    def list_files(self, folder: str) -> list[StoredObject]:
        """The objects right in a folder, whose name ends with `/`; none of those below."""
        found = self._ask(lambda: _library().list_with_delimiter(self._store, folder))
        return [_describe(each) for each in found["objects"]]

    def find_tag(self, key: str) -> str | None:
        """The tag of an object; None where there is none."""
        try:
            return _get_tag(self._ask(lambda: _library().head(self._store, key)))
        except FileNotFoundError:
            return None

    def download(self, key: str, path: Path) -> str:
        """Write an object's bytes into a new file. Returns the tag; raises `FileNotFoundError`
        for no object."""

        def copy() -> str:
            found = _library().get(self._store, key)
            with path.open("wb") as file:
                for chunk in found.stream(min_chunk_size=_CHUNK):
                    file.write(chunk)
            return _get_tag(found.meta)

        return self._ask(copy)

    def read(self, key: str) -> tuple[bytes, str] | None:
        """An object's bytes and its tag; None where there is none."""

        def get() -> tuple[bytes, str]:
            there = _library().get(self._store, key)
            return bytes(there.bytes()), _get_tag(there.meta)

        try:
            return self._ask(get)
        except FileNotFoundError:
            return None

    def put(self, key: str, data: bytes) -> str:
        """Store bytes, whatever was there. Returns the tag."""
        return self._put(key, data)

    def upload(self, key: str, path: Path) -> str:
        """Store a file's bytes, whatever was there. Returns the tag."""
        with path.open("rb") as file:
            return self._put(key, file)

    def create(self, key: str, data: bytes) -> str:
        """Store an object that must not be there yet. Returns the tag; raises `Overtaken`."""
        return self._swap(key, data, "create")

    def replace(self, key: str, data: bytes, tag: str) -> str:
        """Store it in place of the one with the tag. Returns its own; raises `Overtaken`."""
        return self._swap(key, data, {"e_tag": tag})

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; those that are not there are no fault."""
        if keys:
            self._ask(lambda: _library().delete(self._store, list(keys)))

    def _swap(self, key: str, data: bytes, mode: object) -> str:
        try:
            return self._put(key, data, mode=mode)
        except Overtaken:
            # An answer that was lost had the request sent again, which its own first one overtook.
            there = self._ask(lambda: _library().get(self._store, key))
            if bytes(there.bytes()) != data:
                raise
            return _get_tag(there.meta)

    def _put(self, key: str, data: Any, **how: Any) -> str:
        return _get_tag(self._ask(lambda: _library().put(self._store, key, data, **how)))

    def _ask(self, call: Callable[[], _T]) -> _T:
        found = importlib.import_module("obstore.exceptions")
        try:
            return call()
        except (found.AlreadyExistsError, found.PreconditionError) as error:
            raise Overtaken(str(error)) from error
        except (found.PermissionDeniedError, found.UnauthenticatedError) as error:
            raise Refused(f"{self.url} refuses these credentials", fix=_FIX) from error
        except (found.BaseError, FileNotFoundError) as error:
            if "NoSuchBucket" in str(error):
                raise Refused(f"{self.url}: there is no such bucket", fix=_FIX) from error
            if isinstance(error, FileNotFoundError):
                raise
            raise _explain(self.url, str(error)) from error


def _describe(told: Mapping[str, Any]) -> StoredObject:
    return StoredObject(
        key=told["path"],
        size=told["size"],
        tag=_get_tag(told),
        modified=told["last_modified"].timestamp(),
    )


def _get_tag(told: Mapping[str, Any]) -> str:
    return str(told["e_tag"] or told["version"] or "")


_FIX: Final = "check the address and AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL"

_AWAY: Final = re.compile(
    r"status code: (5\d\d|429)|error sending request|timed out|connect", re.I
)
"""What stands in the words of an error that may go away by itself."""


def _explain(url: str, words: str) -> Temporary | Permanent:
    # Its debug form follows, with every source of the error.
    first = " ".join(words.split("\n\nDebug source", 1)[0].split())[:300]
    if _AWAY.search(first):
        return Temporary(f"{url} cannot be reached: {first}", fix="try again later")
    return Permanent(f"{url}: {first}", fix=_FIX)


def _library() -> Any:
    try:
        return importlib.import_module("obstore")
    except ImportError as error:
        raise refuse_import(
            error, "obstore", "runs in s3:// need obstore", "pip install 'vtspec[store]'"
        ) from error


def _open(url: str, environ: Mapping[str, str]) -> Any:
    _library()
    stores = importlib.import_module("obstore.store")

    def find(name: str) -> str:
        return environ.get(f"{OWN_PREFIX}{name}") or environ.get(name) or ""

    config = {name.lower(): find(name) for name in _OWN if find(name)}
    endpoint = find("AWS_ENDPOINT_URL_S3") or find("AWS_ENDPOINT_URL")
    if endpoint:
        config["aws_endpoint"] = endpoint
    # The bucket is a host of its own at Amazon, and rarely so elsewhere.
    style = find("AWS_VIRTUAL_HOSTED_STYLE_REQUEST") or str(not endpoint).lower()
    retry: dict[str, Any] = {"max_retries": 4, "retry_timeout": timedelta(seconds=60)}
    try:
        return stores.S3Store.from_url(
            url,
            config={**config, "virtual_hosted_style_request": style},
            client_options={"allow_http": endpoint.startswith("http://")},
            retry_config=retry,
        )
    except Exception as error:
        raise _explain(url, str(error)) from error
