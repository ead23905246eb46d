"""`docs/spec.md`: what a spec may say, from the models; normative, and checked for drift."""

from collections.abc import Iterator
from typing import Final

from vtspec.schema.json_schema.field_docs import ANY_NAME, Field, get_fields
from vtspec.schema.kinds.index import get_model_class
from vtspec.schema.kinds.tasks import CLASSLESS_TASKS, FORMAT_NEEDS, FORMATS_OF_TASK
from vtspec.schema.yaml_source.decoding import LONGEST

EXAMPLES: Final = {
    "Experiment": """\
# yaml-language-server: $schema=../../schema/v1alpha1/experiment.schema.json
apiVersion: vtspec.dev/v1alpha1
kind: Experiment
metadata:
  name: digits-resnet18
spec:
  task: image-classification
  framework: timm                 # may be left out where the model decides it
  model:
    name: resnet18
    pretrained: false
  dataset:
    ref: digits                   # specs/datasets/digits.yaml
  training:
    epochs: 5
    batchSize: 64
    learningRate: 1e-3
    imageSize: 32
    seed: 42
  resources: {gpus: 0, cpus: 2, memory: 4Gi, maxDuration: 30m}
  report:
    baseline: digits-resnet10t
    gates: [accuracy >= 0.95]
""",
    "Dataset": """\
# yaml-language-server: $schema=../../schema/v1alpha1/dataset.schema.json
apiVersion: vtspec.dev/v1alpha1
kind: Dataset
metadata:
  name: digits
spec:
  tasks: [image-classification]
  format: imagefolder
  source:
    dvc: {path: data/digits}
  classes: ["0", "1", "2"]        # quoted: a bare 0 is a number
  splits:
    train: {path: train}
    val: {path: val}
    test: {path: test}
""",
    "Project": """\
# yaml-language-server: $schema=schema/v1alpha1/project.schema.json
apiVersion: vtspec.dev/v1alpha1
kind: Project
metadata:
  name: vision
spec:
  gpuTypes:
    a100-80gb: {memory: 80Gi, pricePerHour: 2.5, tflops: 150, queue: a100}
  prices: {currency: EUR, cpuPerHour: 0.04}
  registry: ghcr.io/acme
  remotes:
    storage: {url: s3://acme-data/dvc, secret: dvc-storage}
  cluster: {namespace: vision, volumeClaim: vtspec}
  teams:
    vision:
      people: [jin@example.org]
      logins: [jin-park]
      queue: vision
      limits: {gpus: 4, maxDuration: 12h, costPerMonth: 500}
  approval: {when: comment, teams: [vision]}
""",
}
"""One spec of each kind, which the tests load."""

_BETWEEN: Final = {
    "Experiment": (
        "`model.pretrained: true` and `model.weights` exclude each other.",
        "`resources.gpuType` needs `resources.gpus` of at least 1.",
        "`training.minLearningRate` is less than `training.learningRate`.",
        "`training.warmupEpochs` is less than `training.epochs`.",
        "`training.classWeights` as numbers has one for every class, and no other.",
        "A task whose labels are no classes takes neither `dataset.classes` nor "
        "`training.classWeights`.",
        "`report.baseline` is another experiment.",
        "`report.seeds` seeds from `training.seed` on are at most 4294967295.",
    ),
    "Dataset": (
        "`source` holds exactly one of `dvc` and `path`; `path` needs `contentHash`.",
        "`source.dvc.repo` and `source.dvc.rev` go together.",
        "`classes` is not empty where a task's labels are classes.",
        "`format` can carry the labels of every task, and every split has what it needs (below).",
        "The splits differ from each other.",
        "`statistics` counts no class that `classes` lacks.",
    ),
    "Project": (
        "`runs` lies outside `specs`.",
        "Where `cluster.semaphores` are given, every `queue` is one of them.",
        "A person, a login and a folder are in one of the `teams`.",
        "`approval.teams` are `teams` that have `logins`.",
        "`limits.costPerMonth` needs `prices.cpuPerHour`.",
    ),
}


def render_reference() -> str:
    """The text of `docs/spec.md`."""
    lines = [*_HEAD]
    for kind in ("Experiment", "Dataset", "Project"):
        lines += ["", *_render_kind(kind)]
    lines += ["", *_render_formats()]
    return "\n".join(lines) + "\n"


_HEAD: Final = (
    "# The specs",
    "",
    "<!-- Written by `python -m vtspec.schema` from the models; edit those. -->",
    "",
    f"A spec is one YAML file of at most {LONGEST // 1024} KiB, read as YAML 1.2 core: `1e-3` is "
    "a number,",
    "`no` is a string. Anchors, aliases, tags, directives, duplicate keys, infinities and control",
    "characters are refused, and so is `{{` in names, labels and annotations. No key is accepted",
    "that does not stand here. `null` means *left out* where a field may be left out. The JSON",
    "Schemas for editors are in `schema/v1alpha1/`; `vtspec explain FIELD` says the same in a",
    "terminal.",
)


def _render_kind(kind: str) -> Iterator[str]:
    yield f"## {kind}"
    yield ""
    yield (get_model_class(kind).__doc__ or "").strip()
    yield ""
    yield "```yaml"
    yield from EXAMPLES[kind].rstrip().split("\n")
    yield "```"
    yield ""
    yield "| field | must be | unit | default | meaning |"
    yield "|---|---|---|---|---|"
    for field in get_fields(kind).values():
        yield _render_row(field)
    if _BETWEEN[kind]:
        yield ""
        yield "Between the fields:"
        yield ""
        yield from (f"- {rule}" for rule in _BETWEEN[kind])


def _render_row(field: Field) -> str:
    name = field.name.replace(ANY_NAME, "*NAME*") if ANY_NAME in field.path else f"`{field.name}`"
    must = "a mapping" if field.type.startswith("a mapping with the keys") else field.type
    default = (
        "**required**" if field.required else "" if field.default is None else f"`{field.default}`"
    )
    cells = (name, must, field.unit or "", default, " ".join(field.description.split()))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _render_formats() -> Iterator[str]:
    yield "## Tasks and formats"
    yield ""
    yield "| task | formats that carry its labels | classes |"
    yield "|---|---|---|"
    for task, formats in FORMATS_OF_TASK.items():
        yield f"| {task} | {', '.join(formats)} | {'no' if task in CLASSLESS_TASKS else 'yes'} |"
    yield ""
    yield (
        "What a split needs beside its `path`: "
        + "; ".join(f"{form}: `{key}`" for form, key in FORMAT_NEEDS.items())
        + "."
    )
