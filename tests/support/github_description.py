"""GitHub's own description of its REST API: what a request and an answer have to be like."""

import copy
import functools
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

import referencing
import referencing.jsonschema
from jsonschema import ValidationError
from openapi_schema_validator import OAS30Validator

from npm_packages import OPENAPI, fetch_npm_file

Object = dict[str, Any]

_OPERATIONS: Final = """\
GET /repos/{owner}/{repo}
GET /user
GET /app
GET /repos/{owner}/{repo}/installation
POST /app/installations/{installation_id}/access_tokens
GET /repos/{owner}/{repo}/pulls
GET /repos/{owner}/{repo}/pulls/{pull_number}
GET /repos/{owner}/{repo}/issues
GET /repos/{owner}/{repo}/issues/comments
GET /repos/{owner}/{repo}/issues/{issue_number}/comments
POST /repos/{owner}/{repo}/issues/{issue_number}/comments
PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}
GET /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions
POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions
DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions/{reaction_id}
GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews
GET /repos/{owner}/{repo}/collaborators/{username}/permission
POST /repos/{owner}/{repo}/statuses/{sha}
GET /repos/{owner}/{repo}/commits/{ref}/status
GET /repos/{owner}/{repo}/commits/{ref}/check-runs
POST /repos/{owner}/{repo}/check-runs
PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}
"""
_ROOT: Final = "urn:github"
# So is the repository of a fork that was deleted, though the description does not say it.
_NULL_TOO: Final = ["head", "repo"]
# Nothing in an answer of these says more than that it is so.
_PLAIN_STATUSES: Final = (304, 401, 403, 404, 429, 500, 502, 503)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation of the description, and what of a path belongs to it."""

    method: str
    template: str
    raw: Object

    @functools.cached_property
    def pattern(self) -> re.Pattern[str]:
        """The paths that are its own, with their parameters by name."""
        text = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.template))
        return re.compile(text)

    def __str__(self) -> str:
        return f"{self.method} {self.template}"


class Description:
    """The operations that are used here, with all that they refer to."""

    def __init__(self) -> None:
        self._raw = _read_part()
        schema = referencing.jsonschema.DRAFT4.create_resource(self._raw)
        self._registry: Any = referencing.Registry().with_resource(_ROOT, schema)
        self.operations = [
            Operation(method=method, template=path, raw=self._raw["paths"][path][method.lower()])
            for method, path in map(str.split, _OPERATIONS.splitlines())
        ]

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """The operation of a request, and the parameters in its path."""
        for operation in self.operations:
            found = operation.pattern.fullmatch(path)
            if operation.method == method and found is not None:
                named = found.groupdict().items()
                return operation, {name: unquote(value) for name, value in named}
        return None

    def find_example(self, name: str) -> Any:
        """A copy of an example of an answer."""
        return copy.deepcopy(self._raw["components"]["examples"][name]["value"])

    def check_request(self, operation: Operation, query: dict[str, str], body: Any) -> list[str]:
        """What of a request is not as described: names and values of its query, its body."""
        parameters = {
            one["name"]: one
            for one in map(self._resolve, operation.raw.get("parameters", []))
            if one["in"] == "query"
        }
        wrong = [f"no parameter {name}" for name in query if name not in parameters]
        for name, value in query.items():
            if name in parameters:
                schema = parameters[name]["schema"]
                is_number = schema.get("type") == "integer" and value.isdecimal()
                wrong += self._check(schema, int(value) if is_number else value, f"?{name}")
        described = operation.raw.get("requestBody")
        if described is None:
            return wrong + (["has a body"] if body is not None else [])
        if body is None:
            return wrong + (["has no body"] if described.get("required") else [])
        schema = self._resolve(described)["content"]["application/json"]["schema"]
        return wrong + self._check(schema, body, "body") + _find_unknown(schema, body)

    def check_answer(self, operation: Operation, status: int, body: Any) -> list[str]:
        """What of an answer is not as described."""
        described = operation.raw["responses"].get(str(status))
        if described is None:
            return [] if status in _PLAIN_STATUSES else [f"no answer {status}"]
        content = self._resolve(described).get("content")
        if content is None:
            return [] if body is None else [f"{status} has a body"]
        return self._check(content["application/json"]["schema"], body, f"{status}")

    def _check(self, schema: Object, data: Any, what: str) -> list[str]:
        validator = OAS30Validator(schema, registry=self._registry)
        return [
            f"{what}: {'.'.join(map(str, error.absolute_path))}: {error.message[:300]}"
            for error in validator.iter_errors(data)
            if not (error.instance is None and _may_be_null(error))
        ]

    def _resolve(self, raw: Object) -> Any:
        return _look_up(self._raw, raw["$ref"]) if "$ref" in raw else raw


@functools.cache
def load_description() -> Description:
    """The description; read once."""
    return Description()


def _may_be_null(error: ValidationError) -> bool:
    # "nullable" beside an enum without null is meant as it is said.
    is_said = isinstance(error.schema, Mapping) and bool(error.schema.get("nullable"))
    return is_said or list(error.absolute_path) == _NULL_TOO


def _find_unknown(schema: Object, body: Any) -> list[str]:
    # Described or not, a misspelt field would be without effect.
    known = schema.get("properties")
    return [f"body: {name} is unknown" for name in body if known and name not in known]


def _read_part() -> Object:
    """The part of the description that is used, which takes a fortieth of the whole to read."""
    whole = fetch_npm_file(OPENAPI, "generated/api.github.com.json")
    digest = hashlib.sha256((_OPERATIONS + _ROOT).encode()).hexdigest()[:12]
    part = whole.with_name(f"{whole.stem}-{digest}.json")
    if not part.is_file():
        made = _take_part(json.loads(whole.read_bytes()))
        partial = part.with_name(f"{part.name}.{os.getpid()}")
        partial.write_text(json.dumps(made))
        partial.rename(part)
    found: Object = json.loads(part.read_bytes())
    return found


def _take_part(raw: Object) -> Object:
    part: Object = {"paths": {}, "components": {}}
    for method, path in map(str.split, _OPERATIONS.splitlines()):
        part["paths"].setdefault(path, {})[method.lower()] = raw["paths"][path][method.lower()]
    waiting, known = list(_find_references(part)), set()
    while waiting:
        reference = waiting.pop()
        if reference not in known:
            known.add(reference)
            _, kind, name = reference.removeprefix("#/").split("/")
            found = _look_up(raw, reference)
            part["components"].setdefault(kind, {})[name] = found
            waiting += _find_references(found)
    # Absolute, so that a schema is checked wherever it stands.
    text = json.dumps(part).replace('"#/components/', f'"{_ROOT}#/components/')
    made: Object = json.loads(text)
    return made


def _find_references(raw: Any) -> Iterator[str]:
    match raw:
        case dict():
            if isinstance(raw.get("$ref"), str):
                yield raw["$ref"]
            for value in raw.values():
                yield from _find_references(value)
        case list():
            for value in raw:
                yield from _find_references(value)


def _look_up(raw: Object, reference: str) -> Any:
    found: Any = raw
    for part in reference.partition("#/")[2].split("/"):
        found = found[part]
    return found
