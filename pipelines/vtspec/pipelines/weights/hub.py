"""A model hub (Hugging Face, or what HF_ENDPOINT names): which commit a model is at now."""

import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from vtspec.adapters.json_types import JsonObject
from vtspec.pipelines.errors import Permanent, Temporary

if TYPE_CHECKING:
    from http.client import HTTPResponse

COMMIT: Final = re.compile(r"[0-9a-f]{40}")

_LONGEST: Final = 8 * 2**20

_SHOWN: Final = (
    "pipeline_tag",
    "cardData",
    "tags",
    "config",
    "safetensors",
    "downloads",
    "gated",
)
"""What is asked of each model that a search finds."""

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class HubModel:
    """A model at one commit. `from_cache` says that the hub did not answer and the local cache
    did; `licence` is what the hub says of it, None where it says nothing."""

    id: str
    revision: str
    licence: str | None = None
    from_cache: bool = False


@dataclass(frozen=True, kw_only=True)
class HubHit:
    """A model that a search on the hub found. `pipeline` is the hub's word for its task, `family`
    the kind of network that its configuration names; None where the hub says nothing. Whoever
    wants a `is_gated` one has to agree to its terms there first."""

    id: str
    pipeline: str | None
    family: str | None
    licence: str | None
    parameters: int | None
    downloads: int | None
    is_gated: bool


class ModelHub(Protocol):
    """What knows the commit that a model is at."""

    def resolve_revision(self, model: str, revision: str = "main") -> HubModel:
        """The commit that a branch or tag of `model` (ORG/NAME) is at; raises as `Hub` does."""
        ...


@dataclass(frozen=True, kw_only=True)
class Hub:
    """Where the hub and its local cache are. `token` goes to `endpoint` alone and is not shown."""

    endpoint: str
    cache: Path
    offline: bool = False
    token: str | None = None
    timeout_s: float = 10.0
    clock: Callable[[], float] = time.monotonic

    def __repr__(self) -> str:
        return f"Hub(endpoint={self.endpoint!r}, cache={str(self.cache)!r})"

    def resolve_revision(self, model: str, revision: str = "main") -> HubModel:
        """The commit that a branch or tag of `model` (ORG/NAME) is at.

        A commit is what it is and asks nobody. Where the hub does not answer, the local cache
        may know. Raises `Permanent` where the hub says there is no such model or revision, and
        `Temporary` where neither answers.
        """
        if COMMIT.fullmatch(revision):
            return HubModel(id=model, revision=revision)
        if self.offline:
            return self._read_cached(model, revision, "HF_HUB_OFFLINE is set")
        try:
            return self._fetch_model(model, revision)
        except Temporary as error:
            return self._read_cached(model, revision, error.message)

    def check_revision(self, model: str, revision: str) -> None:
        """See that the hub itself has a commit, branch or tag of a model, and shows it to whoever
        asks so. Raises `Permanent` where it does not, `Temporary` where it does not answer."""
        self._fetch_model(model, revision)

    def search(
        self, words: Sequence[str], library: str, pipelines: Sequence[str], limit: int
    ) -> list[HubHit]:
        """The models of a library that fit all words, the most downloaded first, of any of the
        `pipelines` (the hub's words for tasks), of all where there is none.

        Raises `Temporary` where the hub does not answer, `Permanent` where it refuses.
        """
        from urllib.parse import urlencode

        if self.offline:
            raise Permanent(
                "HF_HUB_OFFLINE is set, and a hub is searched by asking it",
                fix="unset HF_HUB_OFFLINE, or search the catalogs: without --hub",
            )
        found: dict[str, HubHit] = {}
        for pipeline in pipelines or (None,):
            asked = [("search", " ".join(words)), ("filter", library), ("limit", str(limit))]
            asked += [("pipeline_tag", pipeline)] if pipeline else []
            asked += [("sort", "downloads"), *(("expand[]", one) for one in _SHOWN)]
            raw = self._fetch_json(f"/api/models?{urlencode(asked)}", "what was searched for")
            if not isinstance(raw, list):
                raise Temporary(f"{self.endpoint} did not answer with a list")
            hits = (_read_hit(one) for one in raw if isinstance(one, dict))
            found |= {hit.id: hit for hit in hits if hit is not None}
        ranked = sorted(found.values(), key=lambda hit: -(hit.downloads or 0))
        return ranked[:limit]

    def _read_cached(self, model: str, revision: str, why: str) -> HubModel:
        folder = self.cache / f"models--{model.replace('/', '--')}" / "refs"
        try:
            commit = (folder / revision).read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            commit = ""
        if COMMIT.fullmatch(commit):
            return HubModel(id=model, revision=commit, from_cache=True)
        raise Temporary(
            f"the revision of {model} is not known: {why}, and the local cache does not have it",
            fix=f"try again, or set model.weights: hf-hub:{model}@<commit>",
            delay_s=30,
        )

    def _fetch_model(self, model: str, revision: str) -> HubModel:
        from urllib.parse import quote

        path = f"/api/models/{quote(model, safe='/')}"
        if revision != "main":
            path += f"/revision/{quote(revision, safe='')}"
        raw = self._fetch_json(path, f"{model}@{revision}")
        if not isinstance(raw, dict):
            raise Temporary(f"{self.endpoint} did not answer with an object")
        sha = raw.get("sha")
        # A branch's name in its place would let the weights change under the run.
        if not isinstance(sha, str) or not COMMIT.fullmatch(sha):
            raise Temporary(f"{self.endpoint} answered for {model} without a commit")
        return HubModel(id=model, revision=sha, licence=_find_license(raw))

    def _fetch_json(self, path: str, what: str) -> object:
        from http.client import HTTPException
        from urllib.error import HTTPError
        from urllib.request import Request, urlopen

        request = Request(self.endpoint.rstrip("/") + path, headers={"Accept": "application/json"})
        if self.token:
            # Not sent on to wherever the hub redirects.
            request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        try:
            with urlopen(request, timeout=self.timeout_s) as answer:
                body = self._read_body(answer)
        except HTTPError as error:
            error.close()
            raise self._make_error(error.code, what) from error
        except (OSError, HTTPException) as error:
            raise Temporary(f"{self.endpoint} did not answer: {_format_error(error)}") from error
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Temporary(f"{self.endpoint} did not answer in JSON") from error

    def _read_body(self, answer: "HTTPResponse") -> bytes:
        """All of the answer, within the time limit as a whole and not for each packet."""
        deadline = self.clock() + self.timeout_s
        body = b""
        # urllib's own timeout is for each packet: a server that drips would hold a plan for hours.
        while piece := answer.read1(65536):
            body += piece
            if len(body) > _LONGEST or self.clock() > deadline:
                raise TimeoutError("the answer is too long or too slow")
        return body

    def _make_error(self, status: int, what: str) -> Permanent | Temporary:
        # Which of them a hub says of what is private differs; to a person all mean "not yours".
        if status in (401, 403, 404):
            return Permanent(
                f"{self.endpoint} has no {what} for this user (HTTP {status})",
                fix="see that the name is right, and that HF_TOKEN may read it if it is private",
            )
        if status < 500 and status not in (408, 425, 429):
            return Permanent(f"{self.endpoint} refused to say what {what} is (HTTP {status})")
        return Temporary(f"{self.endpoint} answered with HTTP {status}")


def make_hub(environ: Mapping[str, str] | None = None) -> Hub:
    """The hub and cache that the environment names: HF_ENDPOINT, HF_HUB_CACHE, HF_HOME,
    HF_HUB_OFFLINE, HF_TOKEN; huggingface.co by default."""
    environ = os.environ if environ is None else environ
    home = environ.get("HF_HOME")
    if not home:
        caches = environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        home = str(Path(caches) / "huggingface")
    return Hub(
        endpoint=environ.get("HF_ENDPOINT") or "https://huggingface.co",
        cache=Path(environ.get("HF_HUB_CACHE") or Path(home) / "hub"),
        offline=environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON"),
        token=environ.get("HF_TOKEN") or None,
    )


def _read_hit(raw: JsonObject) -> HubHit | None:
    name, tensors, config = raw.get("id"), raw.get("safetensors"), raw.get("config")
    if not isinstance(name, str):
        return None
    return HubHit(
        id=name,
        pipeline=_get(raw, "pipeline_tag", str),
        family=_get(config, "model_type", str),
        licence=_find_license(raw),
        parameters=_get(tensors, "total", int),
        downloads=_get(raw, "downloads", int),
        is_gated=raw.get("gated") not in (None, False),
    )


def _get(raw: object, key: str, kind: type[_T]) -> _T | None:
    found = raw.get(key) if isinstance(raw, dict) else None
    return found if isinstance(found, kind) else None


def _find_license(raw: JsonObject) -> str | None:
    card = raw.get("cardData")
    told = card.get("license") if isinstance(card, dict) else None
    if isinstance(told, str) and told:
        return told.lower()
    tags = raw.get("tags")
    found = (tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()
    return next(
        (tag.removeprefix("license:") for tag in found if tag.startswith("license:")), None
    )


def _format_error(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    return " ".join(str(reason).split())[:200] or type(error).__name__
