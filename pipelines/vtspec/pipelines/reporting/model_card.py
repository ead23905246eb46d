"""The card of an exported model, `model/README.md`: what someone who is handed the files has to
know. Pure.

Its front matter is that of Hugging Face's model cards
(https://huggingface.co/docs/hub/model-cards). It names no machine and no time, so that two
first runs of one plan leave the same bytes.
"""

import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from vtspec.adapters.evaluation.multilabel import THRESHOLD
from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.catalog.models import is_permissive
from vtspec.pipelines.formatting import MISSING, format_number, pluralize
from vtspec.pipelines.runs.json_values import to_mapping, to_number, to_text, to_words
from vtspec.pipelines.runs.state import PLAN_FILE, RunState, fold_events
from vtspec.schema.visible_text import make_visible

from . import document as doc
from . import phrases
from .facts import Facts, RunData
from .provenance import UNTOLD, build_commands, collect_licences
from .render.markdown import render_sections

CARD_FILE: Final = "README.md"

_BUDGETS: Final[Mapping[str, int]] = {
    "model": 4_000,
    "files": 2_000,
    "classes": 12_000,
    "data": 3_000,
    "figures": 5_000,
    "limits": 6_000,
    "licences": 2_000,
    "usage": 1_500,
    "again": 2_000,
}
"""The sections of a card in order, each with the most characters that it may have."""

_PIPELINES: Final[Mapping[str, str]] = {
    "multilabel-classification": "image-classification",
    "oriented-detection": "object-detection",
    "instance-segmentation": "image-segmentation",
    "semantic-segmentation": "image-segmentation",
    "pose-estimation": "keypoint-detection",
    "super-resolution": "image-to-image",
    "ocr": "image-to-text",
    "image-captioning": "image-to-text",
}
"""The hub's name of each task that has another one there."""

_WEAKEST: Final = 3
"""Classes that the limits name."""


def render_model_card(run: RunData, facts: Facts) -> str:
    """The card of the model that a run exported; `facts` are those of its report."""
    state = fold_events(run.events)
    sections = (
        _describe_model(run.plan, facts),
        _list_files(state),
        _list_classes(run.plan),
        _describe_data(run.plan),
        _list_figures(facts),
        _list_limits(run.plan, facts),
        _list_licences(run.plan),
        _describe_usage(run),
        _list_commands(run, state),
    )
    shown = [section for section in sections if any(section.blocks)]
    front = "\n".join(["---", *_make_front_matter(run.plan, facts), "---"])
    return f"{front}\n\n{render_sections(shown, _BUDGETS)}\n"


def _make_front_matter(plan: Mapping[str, object], facts: Facts) -> Iterator[str]:
    """The lines of the front matter; without a licence, which whoever passes it on chooses."""
    model, framework = to_mapping(plan.get("model")), to_mapping(plan.get("framework"))
    if facts.task is not None:
        yield f"pipeline_tag: {_quote(_PIPELINES.get(facts.task, facts.task))}"
    tags = ("vtspec", to_text(framework.get("name")), facts.model)
    yield "tags:"
    yield from (f"- {_quote(tag)}" for tag in dict.fromkeys(filter(None, tags)))
    weights = to_mapping(model.get("weights"))
    if weights.get("type") == "hub":
        yield f"base_model: {_quote(str(weights.get('id')))}"
        yield 'base_model_relation: "finetune"'
    if facts.metrics and facts.task is not None:
        yield from _make_model_index(plan, facts, facts.task)


def _make_model_index(plan: Mapping[str, object], facts: Facts, task: str) -> Iterator[str]:
    data = to_mapping(plan.get("dataset"))
    name = str(data.get("name") or "")
    yield "model-index:"
    yield f"- name: {_quote(facts.title)}"
    yield "  results:"
    yield "  - task:"
    yield f"      type: {_quote(_PIPELINES.get(task, task))}"
    yield "    dataset:"
    yield f"      name: {_quote(name)}"
    yield f"      type: {_quote(name)}"
    if facts.results.split is not None:
        yield f"      split: {_quote(facts.results.split)}"
    yield f"      revision: {_quote(str(data.get('hash') or ''))}"
    yield "    metrics:"
    for row in facts.metrics:
        if row.value is not None:
            yield f"    - type: {_quote(row.name)}"
            yield f"      value: {json.dumps(row.value)}"


def _quote(text: str) -> str:
    # A string of JSON is one of YAML, where nothing stands in it that nobody sees.
    return json.dumps(make_visible(text), ensure_ascii=False)


def _describe_model(plan: Mapping[str, object], facts: Facts) -> doc.Section:
    model, framework = to_mapping(plan.get("model")), to_mapping(plan.get("framework"))
    training = to_mapping(plan.get("training"))
    weights = to_mapping(model.get("weights"))
    start = weights.get("id") or weights.get("run") or weights.get("path") or weights.get("name")
    size = training.get("imageSize")
    rows: list[tuple[str, str]] = [
        ("plan", str(plan.get("id") or "")),
        ("task", facts.task or ""),
        ("architecture", facts.model or ""),
        ("parameters", _format_count(model.get("parameters"))),
        ("starts from", str(start) if start else "random weights"),
        ("framework", f"{framework.get('name')}, adapter {framework.get('adapterVersion')}"),
        ("input", f"{size[0]} x {size[1]} pixels" if isinstance(size, list) and size else ""),
        ("training", phrases.describe_training(facts.training)),
    ]
    about = doc.Quotation(facts.description) if facts.description else None
    heading = doc.Heading((doc.Quote(facts.title),), level=1)
    return doc.Section("model", "", (heading, about, _make_table("What it is", rows)))


def _list_files(state: RunState) -> doc.Section:
    rows = [
        (name, model.path.removeprefix("model/"), format_number(model.max_difference))
        for name, model in sorted(state.exports.items())
    ]
    columns = tuple(map(doc.Column, ("Format", "File", "Outputs differ by at most")))
    quoted = tuple((doc.Quote(name), doc.Quote(path), far) for name, path, far in rows)
    return doc.Section("files", "Files", (doc.Table("Files", columns, quoted) if rows else None,))


def _list_classes(plan: Mapping[str, object]) -> doc.Section:
    classes = to_words(to_mapping(plan.get("dataset")).get("classes"))
    rows = tuple((str(index), doc.Quote(name)) for index, name in enumerate(classes))
    columns = (doc.Column("Output", "r"), doc.Column("Class"))
    return doc.Section(
        "classes", "Classes", (doc.Table("Classes", columns, rows) if rows else None,)
    )


def _describe_data(plan: Mapping[str, object]) -> doc.Section:
    data = to_mapping(plan.get("dataset"))
    source = to_mapping(data.get("source"))
    splits = to_mapping(to_mapping(data.get("statistics")).get("splits"))
    counts = [
        f"{name} {_format_count(to_mapping(split).get('images'))}"
        for name, split in splits.items()
    ]
    rows = [
        ("dataset", str(data.get("name") or "")),
        ("content hash", str(data.get("hash") or "")),
        ("source", " ".join(str(source[key]) for key in ("repo", "path") if source.get(key))),
        ("format", str(data.get("format") or "")),
        ("images", ", ".join(counts)),
        ("licence", to_text(data.get("licence")) or UNTOLD),
    ]
    return doc.Section("data", "Data", (_make_table("Data", rows),))


def _list_figures(facts: Facts) -> doc.Section:
    rows = tuple(
        (
            doc.Quote(row.name),
            phrases.format_value(row),
            MISSING if row.interval is None else "{:.4f} to {:.4f}".format(*row.interval),
        )
        for row in facts.metrics
        if row.value is not None
    )
    value, interval = doc.Column("Value", "r"), doc.Column("95 % interval")
    table = doc.Table("Figures", (doc.Column("Metric"), value, interval), rows)
    words = phrases.describe_split(facts)
    gates = tuple(
        (
            doc.Quote(gate.rule, 130),
            phrases.format_gate_value(gate),
            phrases.format_gate_outcome(gate),
        )
        for gate in facts.verdict.gates
    )
    columns = (doc.Column("Gate"), doc.Column("Value", "r"), doc.Column("Outcome"))
    blocks = (
        doc.write(words) if words else None,
        table,
        doc.Table("Gates", columns, gates) if gates else None,
    )
    return doc.Section("figures", "Figures", blocks if rows else ())


def _list_limits(plan: Mapping[str, object], facts: Facts) -> doc.Section:
    lines: list[doc.Parts] = []
    data, images = to_mapping(plan.get("dataset")), facts.results.images
    name = doc.Quote(str(data.get("name") or ""))
    counted = "images" if images is None else pluralize(images, "image")
    elsewhere = "; images from elsewhere were not tried."
    lines.append((f"The figures are of {counted} of ", name, elsewhere))
    if facts.adapted is not None:
        told = doc.Quote(facts.adapted.en, 300)
        lines.append(("Training went on otherwise than planned: ", told, "."))
    if data.get("finalSplit") == "val":
        words = "They are of the split on which the best epoch was chosen, and flatter the model."
        lines.append((words,))
    classes = to_words(data.get("classes"))
    known = f"It knows {pluralize(len(classes), 'class', 'classes')} alone"
    if classes and facts.task == "image-classification":
        lines.append((f"{known}, and calls any other image one of them.",))
    if classes and facts.task == "multilabel-classification":
        says = f"says each whose score, the sigmoid of its output, is {THRESHOLD} or more"
        lines.append((f"{known}, and {says}; of an image it may say none or all.",))
    if not any(row.interval for row in facts.metrics):
        lines.append(("No figure has an interval: nobody knows how far it is chance.",))
    lines += _name_weakest(facts)
    lines += [
        ("It misses the gate ", doc.Quote(gate.rule, 130), ".") for gate in facts.verdict.missed
    ]
    lines += [(doc.Quote(note, 300), ".") for note in facts.results.notes]
    return doc.Section("limits", "Limits", tuple(doc.write(*line) for line in lines))


def _name_weakest(facts: Facts) -> list[doc.Parts]:
    figure = facts.ranked_by
    if figure is None or len(facts.classes) < 2:
        return []
    # Not by the baseline, as the report has them: who has the model alone never saw that.
    ranked = sorted(facts.classes, key=lambda row: (row.values.get(figure, 0.0), row.name))
    parts: list[doc.Part] = ["Its weakest classes, by ", doc.Quote(figure), ": "]
    for index, row in enumerate(ranked[:_WEAKEST]):
        value = format_number(row.values.get(figure))
        parts += [", " if index else "", doc.Quote(row.name), f" {value}"]
    return [(*parts, ".")]


def _list_licences(plan: Mapping[str, object]) -> doc.Section:
    found = collect_licences(plan)
    rows = tuple((what, doc.Quote(licence)) for what, licence in found)
    table = doc.Table("Licences", (doc.Column("Of"), doc.Column("Licence")), rows)
    words = "Nobody has chosen one for the model itself yet; whoever passes it on keeps to these."
    unclear = [what for what, licence in found if licence != UNTOLD and not is_permissive(licence)]
    if unclear:
        one = len(unclear) == 1
        words += (
            f" {'That' if one else 'Those'} of {' and '.join(unclear)} "
            f"{'is' if one else 'are'} not clearly permissive: see that your use is allowed."
        )
    return doc.Section("licences", "Licences", (table, doc.write(words)))


def _describe_usage(run: RunData) -> doc.Section:
    # By the spec's name another run might answer.
    command = format_command("vtspec", "predict", run.name, "IMAGE")
    lead = doc.write("In the repository that it was trained in:")
    return doc.Section("usage", "Use it", (lead, doc.CommandBlock((command,))))


def _list_commands(run: RunData, state: RunState) -> doc.Section:
    # A completion's file has the run's name, and trains nothing else.
    plan_file = posixpath.join(run.folder, PLAN_FILE)
    commands = build_commands(run.plan, run.name, state, plan_file, "in the folder above")
    return doc.Section("again", "Train it again", (doc.CommandBlock(commands),))


def _make_table(caption: str, rows: Sequence[tuple[str, str]]) -> doc.Table:
    shown = tuple((what, doc.Quote(value, 160)) for what, value in rows if value)
    return doc.Table(caption, (doc.Column("What"), doc.Column("Value")), shown)


def _format_count(value: object) -> str:
    count = to_number(value)
    return "" if count is None else format_number(count)
