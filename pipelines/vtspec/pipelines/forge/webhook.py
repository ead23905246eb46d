"""What a webhook says: whether it is the forge's, and what to look at now. Pure.

A webhook is a hint. What is looked at is read from the forge, so that one which is lost, doubled,
late or replayed changes nothing. GitHub's and Gitea's are alike in headers and bodies; JSON alone
is read, not forms.
"""

import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from vtspec.pipelines.errors import Refused

LONGEST_BODY: Final = 2 << 20
"""Bytes of a body that are worth reading; what is in a longer one the sweep finds."""

SIGNATURE: Final = "x-hub-signature-256"
EVENT: Final = "x-github-event"
"""Headers in lower case. Gitea sends both, too."""

_PULL_REQUEST_EVENTS: Final = (
    "pull_request",
    "pull_request_review",
    "pull_request_approved",  # Gitea's, as the two that follow
    "pull_request_rejected",
    "pull_request_comment",
)
_CHECK_EVENTS: Final = ("check_run", "check_suite")
_FULL_NAME: Final = re.compile(r"[\w.-]{1,100}/[\w.-]{1,100}", re.ASCII)
_LARGEST: Final = 2**63


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What to look at: a pull request, or all open ones of the repository where `number` is None.

    `repository_id` is as in `RepositoryInfo`; `repository` is the name that it had then. `comment`
    is the text of a comment that somebody has just written, None where it is about anything else.
    """

    repository_id: str
    repository: str
    number: int | None
    comment: str | None = field(default=None, compare=False)


class WebhookSecrets:
    """The secrets that a webhook may be signed with: several while one takes another's place.

    Raises:
        Refused: there is none, or one is empty, so that anybody could sign.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        if not secrets or not all(secret.strip() for secret in secrets):
            raise Refused(
                "a webhook's secret is empty, so that anybody could send one",
                fix="make one, and set it at the webhook, too: openssl rand -hex 32",
            )
        if any(len(secret.splitlines()) > 1 for secret in secrets):
            raise Refused(
                "a webhook's secret has several lines",
                fix="one secret a file, and --webhook-secret-file for each",
            )
        self._keys = [secret.encode() for secret in secrets]

    def has_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether the body, as it came, was signed with any of them. Takes the same time whichever
        it was, and wherever a signature is wrong."""
        told = _find_header(headers, SIGNATURE).encode("utf-8", "surrogatepass")
        wanted = [f"sha256={hmac.digest(key, body, 'sha256').hex()}" for key in self._keys]
        found = [hmac.compare_digest(one.encode(), told) for one in wanted]
        return any(found)


def find_subject(headers: Mapping[str, str], body: bytes, own_login: str = "") -> Subject | None:
    """What a signed webhook is about; None where there is nothing to look at, or nothing that can
    be understood. Never raises.

    Comments that `own_login` wrote are nothing to look at: they are an answer to a look.
    """
    payload = read_payload(body)
    repository = find_object(payload, "repository")
    repository_id, full_name = repository.get("id"), repository.get("full_name")
    if not _is_number(repository_id) or not isinstance(full_name, str):
        return None
    if _FULL_NAME.fullmatch(full_name) is None:
        return None
    event = _find_header(headers, EVENT)
    number: Any = None
    if event in _PULL_REQUEST_EVENTS:
        number = find_object(payload, "pull_request").get("number")
    elif event == "issue_comment" and find_object(payload, "sender").get("login") != own_login:
        number = _find_commented(find_object(payload, "issue"))
    elif _concerns_all(event, payload, repository):
        return Subject(repository_id=str(repository_id), repository=full_name, number=None)
    if not _is_number(number):
        return None
    return Subject(
        repository_id=str(repository_id),
        repository=full_name,
        number=number,
        comment=_find_new_comment(payload) if event == "issue_comment" else None,
    )


def _find_new_comment(payload: Mapping[str, Any]) -> str | None:
    body = find_object(payload, "comment").get("body")
    return body if payload.get("action") == "created" and isinstance(body, str) else None


def _find_commented(issue: Mapping[str, Any]) -> Any:
    """The number of the pull request that was commented on; None for an issue."""
    return issue.get("number") if isinstance(issue.get("pull_request"), dict) else None


def _concerns_all(event: str, payload: Mapping[str, Any], repository: Mapping[str, Any]) -> bool:
    """Whether every open pull request may look otherwise now."""
    # What is on the default branch says who may do what.
    if event == "push":
        return payload.get("ref") == f"refs/heads/{repository.get('default_branch')}"
    return event in _CHECK_EVENTS and payload.get("action") == "rerequested"


def read_payload(body: bytes) -> Mapping[str, Any]:
    """An event's object; an empty one for what is none."""
    try:
        payload = json.loads(body)
    # Not UTF-8, no JSON, a number of too many digits; nested too deep.
    except (ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def find_object(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object within another; an empty one where there is none."""
    found = payload.get(name)
    return found if isinstance(found, dict) else {}


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < _LARGEST


def _find_header(headers: Mapping[str, str], name: str) -> str:
    found = [value for key, value in headers.items() if key.lower() == name]
    # Two would be read otherwise by someone else.
    return found[0] if len(found) == 1 else ""
