"""How texts must look: patterns that Rust, Python and JavaScript read alike, with their words; and
how much those that are quantities are."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class TextPattern:
    """One form. `words` complete "must be …"; `example` is a text that fits."""

    pattern: str
    words: str
    example: str


NAME: Final = TextPattern(
    # 40 of a label's 63 characters: a run adds its hash, an attempt and a step to the name.
    pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
    words="a DNS label: lower-case letters, digits and '-', at most 40 characters",
    example="digits-resnet18",
)
LINE: Final = TextPattern(pattern=r"^[^\r\n]*$", words="a single line", example="digits")
# No backslash: a spec is planned on one machine and run on another. No `~`: it has no home there.
PATH: Final = TextPattern(
    pattern=r"^[^/\\~\r\n][^\\\r\n]*$",
    words="a path below the repository's root, with forward slashes",
    example="data/digits",
)
DATA_PATH: Final = TextPattern(
    pattern=r"^[^\\~\r\n][^\\\r\n]*$",
    words="a path below the repository's root, or one that begins with '/', with forward slashes",
    example="data/digits",
)
# Neither may begin with '-', which git would take for an option.
GIT_URL: Final = TextPattern(
    pattern=r"^[A-Za-z0-9./][^\s]*$",
    words="the URL or path of a git repository",
    example="https://github.com/acme/data.git",
)
GIT_REV: Final = TextPattern(
    pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]*$", words="a commit or tag", example="v1.2.0"
)
# Only the binary units: with both, people would write 4G and wonder about the 300 MB.
MEMORY: Final = TextPattern(
    pattern=r"^[1-9][0-9]{0,5}(Mi|Gi|Ti)$", words="a size in Mi, Gi or Ti", example="4Gi"
)
DURATION: Final = TextPattern(
    pattern=r"^[1-9][0-9]{0,5}(s|m|h|d)$",
    words="a length of time in s, m, h or d",
    example="30m",
)
CONTENT_HASH: Final = TextPattern(
    pattern=r"^md5:[0-9a-f]{32}(\.dir)?$",
    words="DVC's hash: md5: and 32 hex digits, and .dir for a folder",
    example="md5:d8e8fca2dc0f896fd7cb4cb0031ba249.dir",
)
# '@', ':' and '-' stand in names that people know: mAP@50:95, top-5.
METRIC: Final = TextPattern(
    pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.@:-]{0,79}$", words="a metric's name", example="accuracy"
)
GATE: Final = TextPattern(
    pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.@:-]{0,79} *(>=|<=|>|<) *"
    r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?$",
    words="a metric, one of >= <= > <, and a number",
    example="accuracy >= 0.95",
)
LABEL_KEY: Final = TextPattern(
    pattern=r"^([a-z0-9]([-a-z0-9.]{0,180}[a-z0-9])?/)?"
    r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$",
    words="a Kubernetes label key: at most 63 letters, digits, '-', '_' and '.'",
    example="team",
)
LABEL_VALUE: Final = TextPattern(
    pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$",
    words="a Kubernetes label value: at most 63 letters, digits, '-', '_' and '.'",
    example="vision",
)
FRAMEWORK: Final = TextPattern(
    pattern=r"^[a-z][a-z0-9_]{0,39}$",
    words="a framework's name: lower-case letters, digits and '_'",
    example="timm",
)
MODEL: Final = TextPattern(
    pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,199}$",
    words="a model's name",
    example="resnet18",
)
# A checkpoint of another form than safetensors may run code when it is read: none can be named.
WEIGHTS: Final = TextPattern(
    pattern=r"^(run:[a-z0-9]([-a-z0-9]*[a-z0-9])?|models:/[^/:@\s]+(/[0-9]+|@[A-Za-z0-9_.-]+)|"
    r"hf-hub:[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+(@[A-Za-z0-9_./-]+)?|[A-Za-z0-9_.][^\\:\r\n]*\.safetensors)$",
    words="run:NAME, models:/NAME/VERSION, models:/NAME@ALIAS, hf-hub:ORG/NAME@REVISION or a "
    "path that ends in .safetensors",
    example="run:digits-resnet18-3f2a90c1de",
)
PARAM: Final = TextPattern(
    pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$", words="a setting's name", example="drop_path"
)
REGISTERED_NAME: Final = TextPattern(
    pattern=r"^[^/:\s]([^/:\r\n]*[^/:\s])?$",
    words="a name for MLflow's registry: one line without '/' and ':'",
    example="digits-classifier",
)
KUBERNETES_NAME: Final = TextPattern(
    pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
    words="a Kubernetes name: lower-case letters, digits and '-', at most 63 characters",
    example="vision",
)
NODE_RESOURCE: Final = TextPattern(
    pattern=r"^[a-z0-9]([-a-z0-9.]{0,180}[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$",
    words="an extended resource of a node, its domain before it",
    example="nvidia.com/gpu",
)
REGISTRY: Final = TextPattern(
    # A first part without a dot, a port or `localhost` would be a folder at Docker Hub.
    pattern=r"^((localhost|[a-z0-9-]+(\.[a-z0-9-]+)+)(:[0-9]{1,5})?|[a-z0-9-]+:[0-9]{1,5})"
    r"(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$",
    words="a registry: its host, and where images are below it",
    example="ghcr.io/acme",
)
ROLE_ARN: Final = TextPattern(
    pattern=r"^arn:[a-z0-9-]+:iam:[a-z0-9-]*:[0-9]*:role/[A-Za-z0-9+=,.@_/-]+$",
    words="the ARN of a role",
    example="arn:aws:iam::123456789012:role/vtspec-run",
)
LOGIN: Final = TextPattern(
    pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?(\[bot\])?$",
    words="a login of the forge: letters, digits, '-', '_' and '.', without '@'",
    example="jin-park",
)
HTTP_URL: Final = TextPattern(
    pattern=r"^https?://[^\s/]+/?$",
    words="an address that begins with https:// or http://, without a path",
    example="https://sts.example.org",
)
STORE_SCHEME: Final = "s3://"
"""How the address of a store of runs begins; any other `runs` is a folder."""

_BUCKET: Final = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"

REMOTE_URL: Final = TextPattern(
    # What the `dvc` of a step's image speaks; a pod has no folder of another machine. No braces:
    # Argo fills in templates wherever it finds them, and it is an argument of a pod.
    pattern=rf"^({STORE_SCHEME}{_BUCKET}(/[^\s{{}}]*)?|https?://([^\s/?#{{}}@]+@)?"
    r"([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[^\s{}]*)?)$",
    words=f"what a pod can fetch from: {STORE_SCHEME}BUCKET/PREFIX, https://HOST/PATH or "
    "http://HOST/PATH",
    example="s3://acme-data/dvc",
)
RUNS: Final = TextPattern(
    # No ':' in a folder, so that any other scheme is refused and not made a folder. No braces in
    # an address: Argo fills in templates wherever it finds them, and it is an argument of a pod.
    pattern=rf"^({STORE_SCHEME}{_BUCKET}(/[^\\\s:{{}}]*)?|[^/\\~:\r\n][^\\:\r\n]*)$",
    words=f"a folder below the repository's root, or {STORE_SCHEME}BUCKET/PREFIX",
    example="runs",
)
CRON: Final = TextPattern(
    pattern=r"^[0-9A-Za-z*,/?-]+( +[0-9A-Za-z*,/?-]+){4}$",
    words="cron's five fields: minute, hour, day of the month, month, day of the week",
    example="0 3 * * *",
)
TIME_ZONE: Final = TextPattern(
    pattern=r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$",
    words="a time zone by its name in the IANA database",
    example="Asia/Seoul",
)
CURRENCY: Final = TextPattern(
    pattern=r"^[A-Z]{3}$", words="three capital letters of ISO 4217", example="EUR"
)

FORMS: Final = {
    form.pattern: form for form in list(globals().values()) if isinstance(form, TextPattern)
}
"""The forms by their pattern, which is what pydantic tells of a text that does not fit."""

OUTSIDE: Final = r"(^|/)\.\.(/|$)|^[A-Za-z]:"
"""What a path below the root may not hold; a pattern without look-ahead cannot say it."""

LONGEST_DURATION: Final = "3650d"
"""Kubernetes counts seconds in 32 bits, and the limit of a Workflow is the sum of a `maxDuration`
and, for each of its five steps, a `maxWait`: of six times ten years it still has room."""

TOO_LONG: Final = (
    r"^([4-9][0-9]{3}|3([7-9][0-9]{2}|6[6-9][0-9]|65[1-9])|[0-9]{5,})d$"
    r"|^(9[0-9]{4}|8[89][0-9]{3}|87([7-9][0-9]{2}|6([1-9][0-9]|0[1-9]))|[0-9]{6,})h$"
)
"""What fits `DURATION` and is longer than the longest: as a pattern, since JSON Schema has no
other word for it. Six digits of seconds or minutes are less."""

TEMPLATE: Final = r"\{\{"
"""The mark of a template."""

CREDENTIALS: Final = (
    r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s]*:[^/?#\s]*@"
    r"|^([A-Za-z][A-Za-z0-9.-]*\+)?[Hh][Tt][Tt][Pp][Ss]?://[^/?#\s]+@"
    r"|[?&][\w.-]*([Pp][Aa][Ss][Ss][Ww]|[Pp][Ww][Dd]|[Tt][Oo][Kk][Ee][Nn]|[Ss][Ee][Cc][Rr][Ee][Tt])[\w.-]*="
)
"""An address with a password or a token in it; `ssh://git@host` has neither."""

_MEMORY_BYTES: Final = {"Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_DURATION_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}

UNITS: Final = {MEMORY: tuple(_MEMORY_BYTES), DURATION: tuple(_DURATION_S)}
"""What may stand behind the number of a quantity."""


def parse_memory(memory: str) -> int:
    """Bytes in what fits `MEMORY`, such as 4Gi."""
    return int(memory[:-2]) * _MEMORY_BYTES[memory[-2:]]


def parse_duration(duration: str) -> int:
    """Seconds in what fits `DURATION`, such as 30m."""
    return int(duration[:-1]) * _DURATION_S[duration[-1]]
