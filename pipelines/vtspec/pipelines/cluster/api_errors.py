"""What a Kubernetes API server refuses, in words that say what to type. Pure."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.schema.visible_text import shorten_visibly

_LONGEST: Final = 400

CREATED_ALREADY: Final = 409
FORBIDDEN: Final = 403
GONE: Final = 404
EXPIRED: Final = 410
INVALID: Final = 422


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
    call: ApiCall, status: int, body: bytes, redact: Callable[[str], str]
) -> Refused | Permanent | Temporary:
    """The error that an answer with this status stands for. `redact` hides the caller's secrets,
    should the server echo them."""
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
    if status == 429 or status >= 500:
        return Temporary(f"{where}: not now ({status}): {told}", fix="try again later")
    return Permanent(f"{where}: {call.verb} {call.resource} was answered with {status}: {told}")


def read_message(body: bytes) -> str:
    """The words of Kubernetes' Status, else the body's own."""
    text = body.decode("utf-8", errors="replace")
    try:
        told = json.loads(text)
    except ValueError:
        return text.strip()
    message = told.get("message") if isinstance(told, dict) else None
    return message if isinstance(message, str) else text.strip()


def is_absent_object(body: bytes) -> bool:
    """Whether a 404 is about one object, and not about its kind or its namespace."""
    try:
        details = json.loads(body).get("details")
        return isinstance(details, dict) and details.get("kind") not in ("namespaces", None, "")
    except (ValueError, AttributeError):
        return False


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
