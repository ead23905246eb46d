"""The credential of one run: a role of the store narrowed to it, in a Secret of its Workflow's.

It is asked of the token service (STS `AssumeRole`) that AWS and others have, in the name of
whoever submits the run, and goes with the Workflow. It runs out soon; whoever looks on renews it.
"""

import importlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Final

from vtspec.pipelines.argo.run_access import build_session_policy
from vtspec.pipelines.argo.settings import RenderSettings, RunStore, StoreRole
from vtspec.pipelines.argo.storage import get_credential_name
from vtspec.pipelines.argo.workflow import MANAGED, RUN
from vtspec.pipelines.errors import Permanent, Refused, Temporary, refuse_import
from vtspec.pipelines.failpoints import durable_step
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.redaction import make_redactor
from vtspec.pipelines.runs.object_store import EXPIRATION, OWN_PREFIX

from .kubernetes_client import SECRETS, WORKFLOWS, KubernetesClient, Object
from .run_workflow import RunWorkflow

_PLACES: Final = (
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
)
"""Variables that say where the store is, and are none of the credential's."""

_KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")

_LONGEST_NAME: Final = 64
"""Characters of what AWS calls a session, which its logs name."""


@dataclass
class RunCredential:
    """What the pods of a run's Workflow reach the store with; `put_at` is when they were given it,
    by the monotonic clock. Raises as `KubernetesClient` does, and `Permanent` or `Temporary` where
    no credential is to be had."""

    client: KubernetesClient
    namespace: str
    workflow: str
    run: str
    plan: Plan
    store: RunStore
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    put_at: float | None = None

    @property
    def role(self) -> StoreRole:
        """By which it is made."""
        assert self.store.role is not None
        return self.store.role

    def obtain(self) -> Mapping[str, str]:
        """A fresh one, as the variables of the store."""
        policy = build_session_policy(self.store.url, self.run, self.plan, self.role.arn)
        told = _assume(
            self.role, self.run, json.dumps(policy, separators=(",", ":")), self.environ
        )
        until = told["Expiration"].astimezone(UTC)
        found = [told["AccessKeyId"], told["SecretAccessKey"], told["SessionToken"]]
        places = {name: _find(self.environ, name) for name in _PLACES}
        return {
            **{name: value for name, value in places.items() if value},
            **dict(zip(_KEYS, found, strict=True)),
            EXPIRATION: until.isoformat(timespec="seconds"),
        }

    def put(self, credential: Mapping[str, str]) -> None:
        """Give it to the Workflow's pods, in place of the one that they have; nothing where the
        Workflow is not there."""
        workflow = self.client.get(WORKFLOWS, self.namespace, self.workflow)
        if workflow is None:
            return
        body = self._build_secret(credential, str(workflow["metadata"]["uid"]))
        name = body["metadata"]["name"]
        # Nobody who submits runs may read Secrets, so that what is there is not asked for.
        with durable_step("credential.put"):
            if not self.client.patch(SECRETS, self.namespace, name, body):
                self.client.create(SECRETS, self.namespace, body)
        self.put_at = time.monotonic()

    def renew(self) -> None:
        """Put a fresh one where this one is half through."""
        if self.put_at is None or time.monotonic() - self.put_at >= self.role.duration_s / 2:
            self.put(self.obtain())

    def _build_secret(self, credential: Mapping[str, str], uid: str) -> Object:
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": get_credential_name(self.workflow),
                "namespace": self.namespace,
                "labels": {**MANAGED, RUN: self.run},
                "ownerReferences": [
                    {
                        "apiVersion": "argoproj.io/v1alpha1",
                        "kind": "Workflow",
                        "name": self.workflow,
                        "uid": uid,
                    }
                ],
            },
            "type": "Opaque",
            "stringData": dict(credential),
        }


@dataclass(frozen=True, kw_only=True)
class RunCredentials:
    """Those of the Workflows that this process makes and looks on at: who renews one knows when
    it was put."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    _made: dict[str, RunCredential] = field(default_factory=dict)

    def get(
        self, workflow: RunWorkflow, settings: RenderSettings, run: str, plan: Plan
    ) -> RunCredential | None:
        """What the pods of a run's Workflow are given to reach the store with; None where they
        are given a Secret of all runs, or have a right of their own."""
        if settings.runs.role is None:
            return None
        name = workflow.file.name
        if name not in self._made:
            self._made[name] = RunCredential(
                client=workflow.client,
                namespace=workflow.file.namespace,
                workflow=name,
                run=run,
                plan=plan,
                store=settings.runs,
                environ=self.environ,
            )
        # One of a process that runs for months: its login may have been renewed since.
        self._made[name].client = workflow.client
        return self._made[name]

    def find(self, workflow: str) -> RunCredential | None:
        """That of the Workflow of a name; None where this process has none."""
        return self._made.get(workflow)


def create_objects(
    workflow: RunWorkflow,
    documents: tuple[Mapping[str, Any], Mapping[str, Any]],
    credential: RunCredential | None,
    marks: Mapping[str, Mapping[str, str]],
) -> None:
    """Make a Workflow and its plan's ConfigMap, where they are not there, and its pods'
    credential. `marks` are further labels and annotations of the Workflow. Raises as both do."""
    # Where none is to be had, no pod is to wait for it.
    fresh = None if credential is None else credential.obtain()
    config, made = documents
    metadata = dict(made["metadata"])
    for kind, added in marks.items():
        metadata[kind] = {**metadata.get(kind, {}), **added}
    workflow.create((config, {**made, "metadata": metadata}))
    if credential is not None and fresh is not None:
        # Its owner has to be there; until then the first pod waits.
        credential.put(fresh)


def _find(environ: Mapping[str, str], name: str) -> str:
    return environ.get(f"{OWN_PREFIX}{name}") or environ.get(name) or ""


def _assume(role: StoreRole, run: str, policy: str, environ: Mapping[str, str]) -> Any:
    try:
        boto3, known = (
            importlib.import_module("boto3"),
            importlib.import_module("botocore.exceptions"),
        )
    except ImportError as error:
        raise refuse_import(
            error, "boto3", "cluster.runsRole is taken by boto3", "pip install 'vtspec[cluster]'"
        ) from error
    redact = make_redactor(environ).redact_text
    given = {name.lower(): _find(environ, name) or None for name in _KEYS}
    region = _find(environ, "AWS_REGION") or _find(environ, "AWS_DEFAULT_REGION")
    try:
        session = boto3.session.Session(
            region_name=region or None,
            # Else a profile's, as any program of AWS finds them.
            **(given if given["aws_access_key_id"] else {}),
        )
        service = session.client("sts", endpoint_url=_find_service(role, environ))
        return service.assume_role(
            RoleArn=role.arn,
            RoleSessionName=f"vtspec-{run}"[:_LONGEST_NAME],
            DurationSeconds=role.duration_s,
            Policy=policy,
        )["Credentials"]
    except known.ClientError as error:
        raise _explain_answer(role, error.response, redact) from None
    except (known.NoCredentialsError, known.NoRegionError, known.PartialCredentialsError) as error:
        raise Permanent(
            f"nobody can be asked for {role.arn}: {redact(str(error))}",
            fix="export AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, or AWS_PROFILE",
        ) from None
    except (known.BotoCoreError, OSError) as error:
        raise Temporary(
            f"the token service cannot be reached: {redact(str(error))[:300]}",
            fix="try again later; where it is another than AWS', set cluster.runsRole.endpoint",
        ) from None


def _find_service(role: StoreRole, environ: Mapping[str, str]) -> str | None:
    """Where it is; None for AWS' own, and what a profile says of it."""
    named = _find(environ, "AWS_ENDPOINT_URL_STS") or _find(environ, "AWS_ENDPOINT_URL")
    return role.endpoint or named or None


def _explain_answer(role: StoreRole, answer: Any, redact: Any) -> Permanent | Refused | Temporary:
    said = answer.get("Error", {})
    code, words = str(said.get("Code", "")), redact(" ".join(str(said.get("Message", "")).split()))
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    told = f"{role.arn} is not given ({code}): {words[:300]}"
    if status == 429 or status >= 500 or code == "Throttling":
        return Temporary(told, fix="try again later")
    if "DurationSeconds" in words:
        return Permanent(
            told,
            fix="set a shorter cluster.runsRole.duration in vtspec.yaml, or let the role have it: "
            f"aws iam update-role --max-session-duration {role.duration_s} --role-name "
            f"{role.arn.rpartition('/')[2]}",
        )
    return Permanent(told, fix="aws sts get-caller-identity, and see whom the role trusts")
