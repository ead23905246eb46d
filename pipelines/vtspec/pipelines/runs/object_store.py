"""Objects of an S3-compatible store, by `obstore`: AWS, R2, GCS, MinIO and what else speaks it.

Credentials, endpoint and region are those of the environment (`AWS_*`), as every S3 client reads
them, or with `OWN_PREFIX` before their names where others have theirs there too; or they are
files of a folder, which are read anew when a credential runs out. A write may say what it expects
to replace, so that of two writers one is told.
"""

import importlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.errors import Permanent, Refused, Temporary, refuse_import
from vtspec.pipelines.redaction import redact_text
from vtspec.schema.visible_text import make_visible

_T = TypeVar("_T")

OWN_PREFIX: Final = "VTSPEC_RUNS_"
"""Before the name of a variable that is this store's alone."""

CREDENTIAL_FOLDER: Final = f"{OWN_PREFIX}CREDENTIAL"
"""The variable that names a folder with a file for each of this store's variables. Whoever gave
them puts others there in time (`EXPIRATION`)."""

EXPIRATION: Final = "AWS_CREDENTIAL_EXPIRATION"
"""Until when a credential is good, as the AWS command line writes it."""

_OWN: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
)

_IDENTITIES: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
"""Without any of these a machine's own role is asked for, at an address of its cloud."""

_ROLE: Final = re.compile(r"/latest/(api/token|meta-data)")

_LISTEN: Final = timedelta(seconds=3)
"""How long a machine that is asked for its role may be silent."""

_CHUNK: Final = 8 << 20


AMAZON: Final = "https://s3.amazonaws.com"
_AMAZONS: Final = re.compile(r"^https?://([\w.-]+\.)?amazonaws\.com(:\d+)?(/|$)")

_NAME: Final = re.compile(r"(?!\.\.?$)[^\x00-\x1f\x7f/]+")
"""What a folder can be called."""

_STRAY: Final = re.compile(
    r"invalid path: (?:Error parsing )?Path \"(.*?)\"(?:: Encountered illegal| contained )", re.S
)
"""What the library says of a key that is none for it."""


class Overtaken(Exception):
    """What was to be replaced is not there any more as it was: somebody else wrote it."""


class StrayKey(Permanent):
    """A listing has a key that is no path, at which the library ends it: an empty part, `..`, a
    control character. `key` is that, from the bucket on."""

    def __init__(self, url: str, key: str, endpoint: str) -> None:
        self.key = key
        where = [] if endpoint == AMAZON else ["--endpoint-url", endpoint]
        bucket = url.removeprefix("s3://").partition("/")[0]
        words = "aws", "s3api", "delete-object", *where, "--bucket", bucket, "--key", key
        super().__init__(
            f"{url}: there is an object '{make_visible(key)}', whose name is no path",
            fix=format_command(*words),
        )


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
        self._place = _Place(self.url, environ)
        self._store = self._place.open()

    @property
    def endpoint(self) -> str:
        """Who is asked: the address of a server; that of Amazon where there is none."""
        endpoint = redact_text(self._place.find_endpoint()[1]).rstrip("/")
        return AMAZON if not endpoint or _AMAZONS.search(endpoint) else endpoint

    @property
    def endpoint_variable(self) -> str:
        """The variable that says, or would say, who is asked."""
        return self._place.find_endpoint()[0]

    def list_objects(self, prefix: str = "") -> Iterator[StoredObject]:
        """Every object whose key begins with the prefix, which ends with `/` or is empty. Raises
        `StrayKey`, as every listing does but `list_folders`."""
        batches = self._ask(lambda: _library().list(self._store, prefix or None))
        while True:
            batch = self._ask(lambda: next(batches, None))
            if batch is None:
                return
            for each in batch:
                yield _describe(each)

    def list_files(self, folder: str) -> list[StoredObject]:
        """The objects right in a folder, whose name ends with `/`; none of those below."""
        return [_describe(each) for each in self._list_level(folder)["objects"]]

    def find_tag(self, key: str) -> str | None:
        """The tag of an object; None where there is none."""
        try:
            return _get_tag(self._ask(lambda: _library().head(self._store, key)))
        except FileNotFoundError:
            return None
        except Refused:
            # Whoever may list one folder alone is not told that an object is not there.
            folder = key.rpartition("/")[0]
            return next((o.tag for o in self.list_files(f"{folder}/") if o.key == key), None)

    def list_folders(self) -> list[str]:
        """The names of the folders right below the store's prefix, whatever else is there."""
        try:
            return [str(each) for each in self._list_level(None)["common_prefixes"]]
        except StrayKey:
            return self._place.list_folder_names()

    def _list_level(self, folder: str | None) -> Any:
        try:
            return self._ask(lambda: _library().list_with_delimiter(self._store, folder))
        except StrayKey as stray:
            # It names what the key begins with. Whoever lists all of it is told the key.
            if stray.key.endswith("/"):
                for _ in self.list_objects(folder or ""):
                    pass
            raise

    def download(self, key: str, path: Path) -> str:
        """Write an object's bytes into a new file. Returns the tag; raises `FileNotFoundError`
        for no object."""

        def copy() -> str:
            found = _library().get(self._store, key)
            with path.open("wb") as file:
                if found.meta["size"] <= _CHUNK:
                    file.write(found.bytes())
                    return _get_tag(found.meta)
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

    def upload(self, key: str, file: Path | BinaryIO) -> str:
        """Store the bytes of a file, which may be open, whatever was there. Returns the tag."""
        if isinstance(file, Path):
            with file.open("rb") as opened:
                return self._put(key, opened)
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
        self._place.check_identity()
        try:
            return call()
        except (found.AlreadyExistsError, found.PreconditionError) as error:
            raise Overtaken(str(error)) from error
        except (found.BaseError, FileNotFoundError) as error:
            words = str(error)
            if isinstance(error, FileNotFoundError) and "NoSuchBucket" not in words:
                raise
            if stray := _STRAY.search(words):
                raise StrayKey(self.url, stray[1], self.endpoint) from error
            refusals = found.PermissionDeniedError, found.UnauthenticatedError
            # Of a listing it does not say in the error's kind that it was refused.
            is_refused = isinstance(error, refusals) or "status code: 403" in words
            raise self._place.explain(words, is_refused=is_refused) from error


def _describe(told: Mapping[str, Any]) -> StoredObject:
    return StoredObject(
        key=told["path"],
        size=told["size"],
        tag=_get_tag(told),
        modified=told["last_modified"].timestamp(),
    )


def _get_tag(told: Mapping[str, Any]) -> str:
    return str(told["e_tag"] or told["version"] or "")


_ELSEWHERE: Final = "export AWS_ENDPOINT_URL=https://HOST:PORT with the address of the store"

_FAULTS: Final = (
    (
        "NoSuchBucket",
        Refused,
        "there is no such bucket at {place}",
        "name one that is there, s3://BUCKET/PREFIX; where that is not its store: {elsewhere}",
    ),
    (
        "BareRedirect|PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint",
        Refused,
        "its bucket is in another region",
        "export AWS_REGION={region}",
    ),
    (
        "ExpiredToken",
        Refused,
        "the credentials have run out",
        "export fresh ones; those of a profile: {profile}",
    ),
    ("RequestTimeTooSkewed", Refused, "the clock of this machine is wrong", "set it: date -u"),
    (
        "InvalidContentType",
        Permanent,
        "{place} speaks no TLS",
        "export AWS_ENDPOINT_URL={place} with http:// in place of https://",
    ),
    (
        "UnknownIssuer|invalid peer certificate",
        Permanent,
        "the certificate of {place} is not trusted here",
        "{elsewhere}, as its certificate names it, or have this machine trust who signed it",
    ),
    ("dns error", Temporary, "cannot be reached: there is no host {place}", "{elsewhere}"),
    (
        "ConnectionRefused",
        Temporary,
        "cannot be reached: nobody answers at {place}",
        "start it and try again; where the store is elsewhere: {elsewhere}",
    ),
)
"""What the words of an error tell of its reason, and what helps there."""

_PROFILE: Final = 'eval "$(aws configure export-credentials --format env)"'

_FIX: Final = "check the address and AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL"

_AWAY: Final = re.compile(
    r"status code: (5\d\d|429)|error sending request|timed out|connect", re.I
)
"""What stands in the words of an error that may go away by itself."""


def _explain(url: str, words: str) -> Permanent | Refused | Temporary:
    asked = re.search(r"https?://[^/\s]+", words)
    region = re.search(r"<Region>([\w-]+)|expecting '([\w-]+)'", words)
    told = {
        "place": redact_text(asked[0]) if asked else url,
        "region": (region[1] or region[2]) if region else "REGION, that of the bucket",
        "elsewhere": _ELSEWHERE,
        "profile": _PROFILE,
    }
    for pattern, kind, what, fix in _FAULTS:
        if re.search(pattern, words):
            return kind(f"{url}: {what.format(**told)}", fix=fix.format(**told))
    # Its debug form follows, with every source of the error.
    first = " ".join(words.split("\n\nDebug source", 1)[0].split())[:300]
    if _AWAY.search(first):
        return Temporary(f"{url} cannot be reached: {first}", fix="try again later")
    return Permanent(f"{url}: {first}", fix=_FIX)


def _library() -> Any:
    return _import("obstore")


def _import(name: str) -> Any:
    package = name.partition(".")[0]
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise refuse_import(
            error, package, f"runs in s3:// need {package}", "pip install 'vtspec[store]'"
        ) from error


class _Place:
    """Where a store is, and who asks: of an environment, or of the files of a folder."""

    def __init__(self, url: str, environ: Mapping[str, str]) -> None:
        self._url, self._environ = url, environ
        self._folder = Path(environ[CREDENTIAL_FOLDER]) if CREDENTIAL_FOLDER in environ else None
        self._is_checked = self._folder is not None or any(
            self._find(name) for name in _IDENTITIES
        )

    def explain(self, words: str, *, is_refused: bool) -> Permanent | Refused | Temporary:
        """What an error's words tell, and what to export."""
        told = _explain(self._url, words)
        if not is_refused and not isinstance(told, Refused):
            return told
        self.refuse_expired()
        if isinstance(told, Refused):
            return told
        code = re.search(r"<Code>(\w+)</Code>", words)
        named = f" ({code[1]})" if code else ""
        if self.find_endpoint()[1]:
            return Refused(f"{self._url} refuses these credentials{named}", fix=_FIX)
        return Refused(
            f"{self._url} refuses these credentials{named}: Amazon was asked, since there is no "
            "AWS_ENDPOINT_URL",
            fix=f"export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY that may read the bucket; "
            f"where it is not Amazon's: {_ELSEWHERE}",
        )

    def find_endpoint(self) -> tuple[str, str]:
        """The variable that names the server, and what it says: nothing for Amazon."""
        for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
            if found := self._find(name):
                is_own = self._folder is None and self._environ.get(f"{OWN_PREFIX}{name}")
                return f"{OWN_PREFIX}{name}" if is_own else name, found
        return "AWS_ENDPOINT_URL", ""

    def open(self, **client: Any) -> Any:
        """The store, by obstore. Raises `Refused` for an environment that names none."""
        _library()
        stores = importlib.import_module("obstore.store")
        config = {name.lower(): self._find(name) for name in _OWN if self._find(name)}
        endpoint = self.find_endpoint()[1]
        if endpoint and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", endpoint):
            raise Refused(
                f"AWS_ENDPOINT_URL is no address: '{redact_text(endpoint)}'", fix=_ELSEWHERE
            )
        lacking = [name for name in _OWN[:2] if not self._find(name)]
        if len(lacking) == 1:
            (there,) = set(_OWN[:2]) - set(lacking)
            raise Refused(
                f"{self._url}: there is {there} and no {lacking[0]}", fix=f"export {lacking[0]}=…"
            )
        if endpoint:
            config["aws_endpoint"] = endpoint
        retries = 0 if client else 4
        retry: dict[str, Any] = {"max_retries": retries, "retry_timeout": timedelta(seconds=60)}
        renewed = {} if self._folder is None else {"credential_provider": self._read_credential}
        try:
            return stores.S3Store.from_url(
                self._url,
                config={**config, "virtual_hosted_style_request": str(self._is_hosted()).lower()},
                client_options={"allow_http": endpoint.startswith("http://"), **client},
                retry_config=retry,
                **renewed,
            )
        except Exception as error:
            raise _explain(self._url, str(error)) from error

    def list_folder_names(self) -> list[str]:
        """As `ObjectStore.list_folders`, by a client that takes any key; what is no name of a
        folder is left out."""
        known = _import("botocore.exceptions")
        bucket, _, prefix = self._url.removeprefix("s3://").partition("/")
        prefix = f"{prefix}/" if prefix else ""
        try:
            pages = (
                _import("botocore.session")
                .Session()
                .create_client("s3", **self._describe_client(bucket))
                .get_paginator("list_objects_v2")
                .paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
            )
            found = [one["Prefix"] for page in pages for one in page.get("CommonPrefixes", ())]
        except (known.ClientError, known.BotoCoreError) as error:
            raise self.explain(str(error), is_refused="AccessDenied" in str(error)) from error
        names = [str(one).removeprefix(prefix).removesuffix("/") for one in found]
        return [name for name in names if _NAME.fullmatch(name)]

    def _describe_client(self, bucket: str) -> dict[str, Any]:
        names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
        # Who has none of these is whom the client finds by itself.
        given = {name: self._find(name.upper()) or None for name in names}
        style = "virtual" if self._is_hosted() else "path"
        return {
            **(given if given["aws_access_key_id"] else {}),
            "region_name": self._find("AWS_REGION") or self._find("AWS_DEFAULT_REGION") or None,
            # obstore wants the bucket in it where it is a host; this one puts it there.
            "endpoint_url": self.find_endpoint()[1].replace(f"//{bucket}.", "//", 1) or None,
            "config": _import("botocore.config").Config(s3={"addressing_style": style}),
        }

    def _is_hosted(self) -> bool:
        """Whether the bucket is a host of its own: at Amazon, and rarely so elsewhere."""
        said = self._find("AWS_VIRTUAL_HOSTED_STYLE_REQUEST").lower()
        return said in ("1", "true", "on", "yes", "y") if said else not self.find_endpoint()[1]

    def check_identity(self) -> None:
        """Raise `Refused`, within seconds, where nobody says who asks: the machine is asked for
        its role then, and one that has none may be silent for as long as it is listened to."""
        if self._is_checked:
            return
        try:
            _library().head(self.open(timeout=_LISTEN), "any")
        except Exception as error:
            if _ROLE.search(str(error)):
                raise Refused(
                    f"{self._url}: there are no credentials here, and this machine has no role",
                    fix="export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; those of a profile: "
                    + _PROFILE,
                ) from None
        self._is_checked = True

    def refuse_expired(self) -> None:
        """Raise `Temporary` where the credential has run out that somebody was to renew."""
        if self._folder is None:
            return
        until = self._read_credential()["expires_at"]
        if until is not None and until <= datetime.now(UTC):
            raise Temporary(
                f"{self._url}: the run's own credential ran out at {until:%Y-%m-%d %H:%M} UTC",
                fix="look on at the run, which renews it: vtspec run RUN --backend argo",
            )

    def _find(self, name: str) -> str:
        if self._folder is not None:
            try:
                return (self._folder / name).read_text().strip()
            except OSError:
                return ""
        return self._environ.get(f"{OWN_PREFIX}{name}") or self._environ.get(name) or ""

    def _read_credential(self) -> dict[str, Any]:
        # The kubelet replaces all of them at once, by a link that is followed for each: one more
        # look says whether they were of one credential.
        while True:
            key, secret, token = (self._find(name) for name in _OWN[:3])
            until = self._find(EXPIRATION)
            if key == self._find(_OWN[0]):
                break
        return {
            "access_key_id": key,
            "secret_access_key": secret,
            "token": token or None,
            "expires_at": datetime.fromisoformat(until) if until else None,
        }
