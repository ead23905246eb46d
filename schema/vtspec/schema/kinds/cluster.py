"""What `Project` says of the cluster that plans are carried out on, and of who shares it."""

from typing import Annotated, Literal

from pydantic import Field

from .field_types import (
    NO_CREDENTIALS,
    UNIQUE,
    Distinct,
    Duration,
    KubernetesName,
    LabelKey,
    LabelValue,
    Line,
    Memory,
    Part,
    RelativePath,
    Tuple,
    Whole,
    refuse_credentials,
)
from .patterns import HTTP_URL, LOGIN, REMOTE_URL, ROLE_ARN


class Toleration(Part):
    """A taint of nodes that a pod puts up with: any value of it, or one."""

    key: LabelKey = Field(description="The taint's key.", examples=["nvidia.com/gpu"])
    value: LabelValue | None = Field(
        default=None, description="The taint's value; any where left out."
    )
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="The taint's effect; any where left out."
    )


class RunsRole(Part):
    """A role whose rights in the store of runs each run is given a part of: its own folder."""

    arn: Annotated[str, Field(max_length=400, pattern=ROLE_ARN.pattern)] = Field(
        description="ARN of the role, which whoever submits runs may assume, and which may read "
        "and write the store of runs.",
        examples=[ROLE_ARN.example],
    )
    endpoint: (
        Annotated[
            str,
            Field(max_length=400, pattern=HTTP_URL.pattern, json_schema_extra=NO_CREDENTIALS),
            refuse_credentials("write it without; the environment has them (AWS_ACCESS_KEY_ID)"),
        ]
        | None
    ) = Field(
        default=None,
        description="Address of the token service (STS) that hands the role out, where it is not "
        "the one of the environment.",
        examples=[HTTP_URL.example],
    )
    duration: Duration = Field(
        default="1h",
        description="How long a credential of it is good for, from 15m to what the role allows, "
        "12h at most; whoever looks on at the run renews it.",
    )


class Cluster(Part):
    """The Kubernetes that `vtspec render` writes for. docs/cluster.md says how to set it up."""

    namespace: KubernetesName = Field(
        description="Namespace of the runs, where Argo Workflows carries them out.",
        examples=["vision"],
    )
    service_account: KubernetesName = Field(
        default="vtspec-run",
        description="Service account of the pods; only Argo's own container is given its token.",
    )
    submit: Literal["anyone", "controller"] = Field(
        default="anyone",
        description="Who may create runs: anyone whose kubeconfig allows it, or the controller "
        "alone.",
    )
    volume_claim: KubernetesName | None = Field(
        default=None,
        description="PersistentVolumeClaim that keeps fetched data and weights, which every pod "
        "of a run mounts.",
        examples=["vtspec"],
    )
    runs_secret: KubernetesName | None = Field(
        default=None,
        description="Secret whose keys are the variables that the store of runs needs, such as "
        "AWS_ACCESS_KEY_ID, which every pod of a run is given; left out where the service account "
        "does it.",
        examples=["vtspec-runs"],
    )
    runs_role: RunsRole | None = Field(
        default=None,
        description="Role by which each run is given a credential of its own, for its own folder "
        "in the store of runs, instead of runsSecret.",
        examples=[{"arn": ROLE_ARN.example}],
    )
    semaphores: dict[KubernetesName, Annotated[Whole, Field(ge=1, le=100_000)]] | None = Field(
        default=None,
        description="Queues by name, and how many pods of each may run at once, where there is "
        "no Kueue; left out, queues are Kueue's LocalQueues.",
        examples=[{"gpu": 4}],
    )
    max_wait: Duration = Field(
        default="24h",
        description="How long a step may wait for a node or its queue before its run is stopped.",
    )
    keep_for: Duration = Field(
        default="7d",
        description="How long a finished Workflow is kept; results stay where runs lie.",
    )
    ephemeral_storage: Memory = Field(
        default="20Gi", description="Disk of its node that a pod may use."
    )


class Remote(Part):
    """A store that datasets are fetched from, by content hash, as `dvc push` fills it."""

    url: Annotated[
        str,
        Field(max_length=400, pattern=REMOTE_URL.pattern, json_schema_extra=NO_CREDENTIALS),
        refuse_credentials("write it without, and put them into the Secret that 'secret' names"),
    ] = Field(
        description="Address as DVC writes it, of a kind that the pod of step data can read.",
        examples=[REMOTE_URL.example],
    )
    secret: KubernetesName | None = Field(
        default=None,
        description="Secret whose keys are the variables that reading it needs, such as "
        "AWS_ACCESS_KEY_ID; only the pod of step data is given them.",
    )


class TeamLimits(Part):
    """What one run of a team may ask for, and what its runs may cost."""

    gpus: Annotated[Whole, Field(ge=0, le=64)] | None = Field(
        default=None, description="Most GPUs of one run."
    )
    max_duration: Duration | None = Field(
        default=None, description="Longest `resources.maxDuration` of one run."
    )
    cost_per_month: Annotated[float, Field(ge=0)] | None = Field(
        default=None,
        description="What its runs of one calendar month (UTC) may cost together, in "
        "`prices.currency`; what a pull request or `--backend argo` would begin beyond it is "
        "refused.",
        examples=[500.0],
    )


class Team(Part):
    """Who shares a queue: runs of specs in its folders, else those of its people."""

    people: Annotated[tuple[Line, ...], Tuple, Distinct, Field(json_schema_extra=UNIQUE)] = Field(
        default=(),
        description="Its members, by the e-mail address that git has; each is in one team.",
        examples=[["jin@example.org"]],
    )
    logins: Annotated[
        tuple[Annotated[str, Field(pattern=LOGIN.pattern)], ...],
        Tuple,
        Distinct,
        Field(json_schema_extra=UNIQUE),
    ] = Field(
        default=(),
        description="Its members by their logins at the forge, which alone count in pull "
        "requests; each is in one team.",
        examples=[[LOGIN.example]],
    )
    specs: Annotated[
        tuple[RelativePath, ...], Tuple, Distinct, Field(json_schema_extra=UNIQUE)
    ] = Field(
        default=(),
        description="Folders whose specs are its own; the innermost folder decides.",
        examples=[["specs/experiments/vision"]],
    )
    queue: KubernetesName | None = Field(
        default=None, description="Queue of its GPUs, before that of the GPU type."
    )
    limits: TeamLimits = Field(
        default_factory=TeamLimits, description="What its runs may ask for."
    )
