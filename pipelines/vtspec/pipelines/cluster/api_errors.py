"""What a Kubernetes API server refuses, in words that say what to type. Pure."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.schema.visible_text import shorten_visibly

_LONGEST: Final = 400

_LONGEST_PAUSE_S: Final = 300

_OTHER_UID: Final = re.compile(r"UID in (the )?precondition")

CONFLICT: Final = 409
FORBIDDEN: Final = 403
GONE: Final = 404
EXPIRED: Final = 410
INVALID: Final = 422
BUSY: Final = 429


class Unreachable(Temporary):
    """The cluster gave no answer at all; whatever else it is asked now takes as long."""


class Expired(Temporary):
    """The server does not know any more what has changed since then: all is to be listed anew."""


@dataclass(frozen=True, kw_only=True)
class ApiCall:
    """What was asked of the server, for people: `create`, `workflows.argoproj.io`, where."""

    verb: str
    resource: str
    namespace: str
    server: str

    @property
    def question(self) -> str:
        """What a person types to learn whether they may."""
        return format_command(
            "kubectl", "auth", "can-i", self.verb, self.resource, "-n", self.namespace
        )


def explain_answer(
    call: ApiCall,
    status: int,
    body: bytes,
    redact: Callable[[str], str],
    headers: Mapping[str, str] | None = None,
) -> Refused | Permanent | Temporary:
    """The error that an answer with this status stands for. `redact` hides the caller's secrets,
    should the server echo them; `headers` may say how long to wait."""
    told = _shorten(redact(read_message(body)))
    where = f"{call.server}, namespace {call.namespace}"
    if status == 401:
        return Permanent(
            f"{call.server} does not know who asks: the kubeconfig's credential is wrong or has "
            "expired (401)",
            fix="log in again, as by: aws eks update-kubeconfig --name CLUSTER, gcloud container "
            "clusters get-credentials CLUSTER, or kubectl config set-credentials USER "
            "--token=TOKEN; then: kubectl auth whoami",
        )
    if _is_denied_by_admission(status, told):
        return Refused(
            f"{where}: what guards the cluster refused to {call.verb} {call.resource}: {told}",
            fix="ask who runs the cluster, or change what it names",
        )
    if status == 403:
        return Permanent(
            f"{where}: you may not {call.verb} {call.resource} (403): {told}",
            fix=f"{call.question}; who runs the cluster lets you: people.submit of the chart",
        )
    if status == GONE:
        return _explain_absence(call, where, body, told)
    if status == EXPIRED:
        return Expired(f"{where}: {told} (410)", fix="try again")
    if status in (400, 422):
        return Permanent(f"{where}: {call.resource} was not accepted ({status}): {told}")
    if status in (CONFLICT, BUSY) or status >= 500:
        return Temporary(
            f"{where}: not now ({status}): {told}",
            fix="try again later",
            delay_s=_read_pause(headers or {}),
        )
    return Permanent(f"{where}: {call.verb} {call.resource} was answered with {status}: {told}")


def read_message(body: bytes) -> str:
    """The words of Kubernetes' Status, else the body's own."""
    message = _read_status(body).get("message")
    return message if isinstance(message, str) else body.decode(errors="replace").strip()


def is_there_already(status: int, body: bytes) -> bool:
    """Whether what was to be made is there. Else a conflict is one of two who change at once, as
    the quota of a namespace, and nothing was made."""
    return status == CONFLICT and _read_status(body).get("reason") == "AlreadyExists"


def is_other_object(status: int, body: bytes) -> bool:
    """Whether what was to be changed or deleted has another uid than the one that was named. Else
    a conflict is one of two who change it at once, and nothing was changed."""
    told = read_message(body)
    is_precondition = status == CONFLICT and _OTHER_UID.search(told) is not None
    return is_precondition or (status == INVALID and "metadata.uid" in told)


def is_absent_object(body: bytes) -> bool:
    """Whether a 404 is about one object, and not about its kind or its namespace."""
    details = _read_status(body).get("details")
    return isinstance(details, dict) and details.get("kind") not in ("namespaces", None, "")


def _read_status(body: bytes) -> Mapping[str, object]:
    try:
        told = json.loads(body.decode(errors="replace"))
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _read_pause(headers: Mapping[str, str]) -> float:
    told = headers.get("Retry-After", "")
    return float(min(int(told[:9]), _LONGEST_PAUSE_S)) if told.isdecimal() else 0.0


def _is_denied_by_admission(status: int, told: str) -> bool:
    words = ("admission webhook", "ValidatingAdmissionPolicy", "denied the request", "quota")
    return status in (400, 403, 422) and any(word in told for word in words)


def _explain_absence(call: ApiCall, where: str, body: bytes, told: str) -> Permanent:
    if "namespaces" in told and "not found" in told:
        return Permanent(
            f"{call.server} has no namespace {call.namespace}",
            fix="see which there are (kubectl get namespaces), and set cluster.namespace in "
            "vtspec.yaml",
        )
    if is_absent_object(body):
        return Permanent(f"{where}: {told}")
    return Permanent(
        f"{call.server} has no {call.resource} (404)",
        fix="have Argo Workflows installed there, or choose another cluster: "
        "kubectl config use-context NAME",
    )


def _shorten(text: str) -> str:
    return shorten_visibly(" ".join(text.split()), _LONGEST)
