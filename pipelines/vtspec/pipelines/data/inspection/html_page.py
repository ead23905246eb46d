"""An inspection as one HTML file: findings, counts as bars, samples as pictures.

Nothing is loaded from elsewhere, nothing is run, and every name from the data is escaped.
"""

import base64
import io
from collections.abc import Iterator, Sequence
from html import escape
from itertools import islice
from pathlib import Path
from typing import Final

from vtspec.adapters.data.image_decoding import UnreadableImageError, read_image
from vtspec.pipelines.formatting import format_share, format_size, pluralize

from .checks import FAST
from .class_checks import list_labels
from .image_probe import ImageInfo
from .inspect import Inspection
from .size_buckets import OBJECT_SIZES

# Pictures lie within the page: more of them, and no browser opens it.
_CLASSES: Final = 40
_SAMPLES: Final = 8
_SIDE: Final = 72
_WITH_PICTURES: Final = (
    "duplicates-across-splits",
    "near-duplicates-across-splits",
    "conflicting-labels",
    "duplicates-within-split",
    "boxes-outside",
    "visibility",
)
"""Checks whose files are images that can be read, and say more when they are seen."""
_COLOURS: Final = {"train": "#3b6fb6", "val": "#d98a29", "test": "#4f9d69", "all": "#3b6fb6"}
_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem;
 color:#1d2430;background:#fff}
h1{font-size:1.5rem;margin:0 0 .2rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}
.quiet{color:#5d6675}code{background:#f1f3f6;padding:.1em .3em;border-radius:3px}
table{border-collapse:collapse;width:100%}
td,th{padding:.25rem .6rem .25rem 0;text-align:left;vertical-align:middle}
th{font-weight:600;border-bottom:1px solid #d5dae2}td.n,th.n{text-align:right}
.bar{display:flex;height:.9rem;min-width:12rem}.bar i{display:block;height:100%}
.key i{display:inline-block;width:.8rem;height:.8rem;margin:0 .3rem 0 1rem;vertical-align:-1px}
.error,.warning,.good{border-left:4px solid;padding:.4rem .8rem;margin:.5rem 0;background:#f8f9fb}
.error{border-color:#c8372d}.warning{border-color:#d98a29}.good{border-color:#4f9d69}
.samples{display:flex;flex-wrap:wrap;gap:4px}
.samples img{width:72px;height:72px;object-fit:contain;background:#f1f3f6;
 image-rendering:pixelated}
"""


def render_page(inspection: Inspection) -> str:
    """The whole page: at most 40 classes with 8 samples each, and how many more there are."""
    return "\n".join(_render_parts(inspection))


def _render_parts(inspection: Inspection) -> Iterator[str]:
    name = escape(inspection.path.name)
    layout = inspection.layout
    whole = sum(inspection.count_readable(split) for split in layout.splits)
    yield "<!doctype html><html lang=en><head><meta charset=utf-8>"
    # Whatever slips through is not loaded and not run.
    yield "<meta http-equiv=Content-Security-Policy "
    yield "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
    yield f"<title>{name}</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>{name}</h1><p class=quiet>{escape(layout.format)}: {escape(layout.why)}. "
    size = format_size(inspection.bytes)
    classes = pluralize(len(layout.classes), "class", "classes")
    yield f"{pluralize(whole, 'image')}, {classes}, {size}. "
    yield f"For {escape(', '.join(layout.tasks))}.</p>"
    yield from _render_issues(inspection)
    yield from _render_splits(inspection)
    yield from _render_classes(inspection)
    yield from _render_counts("Sizes in pixels", inspection.count_sizes())
    sides = [(f"up to {side:,}", count) for side, count in inspection.count_sides()]
    yield from _render_counts("Longer sides in pixels", sides)
    yield from _render_object_sizes(inspection)
    yield from _render_counts("Pixel modes", inspection.count_modes())
    yield from _render_checks(inspection)
    yield "</body></html>"


def _render_issues(inspection: Inspection) -> Iterator[str]:
    if not inspection.findings:
        yield "<p class=good>Nothing wrong was found.</p>"
    for finding in inspection.findings:
        yield f"<div class={finding.severity}><b>{escape(finding.message)}</b> "
        yield f"<span class=quiet>{escape(finding.check)}</span><br>"
        yield f"fix: {escape(finding.fix)}"
        if finding.check in _WITH_PICTURES:
            looks = [inspection.looks[file] for file in finding.files[:_SAMPLES]]
            pictures = (_render_picture(inspection.path, look) for look in looks)
            yield f"<div class=samples>{''.join(pictures)}</div>"
        if finding.files:
            shown = ", ".join(f"<code>{escape(file)}</code>" for file in finding.files[:8])
            more = f" and {len(finding.files) - 8:,} more" if len(finding.files) > 8 else ""
            yield f"<br><span class=quiet>{shown}{more}</span>"
        yield "</div>"


def _render_checks(inspection: Inspection) -> Iterator[str]:
    yield "<h2>Checks</h2><table>"
    for check in inspection.checks:
        state = "not checked" if check.state == "skipped" else check.state
        why = f": {escape(check.reason)}" if check.reason else ""
        yield f"<tr><td>{state}{why}<td><code>{escape(check.name)}</code>"
        yield f"<td>{escape(check.title)}</tr>"
    yield "</table>"


def _render_splits(inspection: Inspection) -> Iterator[str]:
    yield "<h2>Splits</h2><table><tr><th>split<th>path<th class=n>images<th class=n>labels</tr>"
    for split, part in inspection.layout.splits.items():
        labels = sum(inspection.count_per_class(split).values())
        yield f"<tr><td>{split}<td><code>{escape(part.path)}</code>"
        yield f"<td class=n>{inspection.count_readable(split):,}<td class=n>{labels:,}</tr>"
    yield "</table>"


def _render_classes(inspection: Inspection) -> Iterator[str]:
    layout = inspection.layout
    if not layout.classes:
        return
    counts = {split: inspection.count_per_class(split) for split in layout.splits}
    if not all(counts.values()):
        # Masks whose pixels were not read.
        yield f"<p class=quiet>Classes were not counted: {FAST}.</p>"
        return
    shares = inspection.compute_pixel_shares()
    widest = max(sum(split[name] for split in counts.values()) for name in layout.classes) or 1
    key = "".join(f"<i style='background:{_COLOURS[split]}'></i>{split}" for split in counts)
    yield f"<h2>Classes</h2><p class='key quiet'>{key}</p><table>"
    for index, name in enumerate(layout.classes[:_CLASSES]):
        total = sum(split[name] for split in counts.values())
        bars = "".join(
            f"<i style='width:{100 * found[name] / widest:.2f}%;background:{_COLOURS[split]}'></i>"
            for split, found in counts.items()
        )
        yield f"<tr><td class=n>{index}<td>{escape(name)}<td class=n>{total:,}"
        yield f"<td class=n>{format_share(shares[name], 1)} of pixels" if shares else ""
        yield f"<td><div class=bar>{bars}</div>"
        yield f"<td><div class=samples>{''.join(_render_samples(inspection, name))}</div></tr>"
    yield "</table>"
    if len(layout.classes) > _CLASSES:
        more = pluralize(len(layout.classes) - _CLASSES, "more class", "more classes")
        yield f"<p class=quiet>and {more}</p>"


def _render_samples(inspection: Inspection, name: str) -> Iterator[str]:
    layout = inspection.layout
    looks = (
        inspection.looks[item.image]
        for part in layout.splits.values()
        for item in part.items
        if name in list_labels(layout, item, inspection.looks)
    )
    for look in islice((look for look in looks if look.fault is None), _SAMPLES):
        yield _render_picture(inspection.path, look)


def _render_picture(root: Path, look: ImageInfo) -> str:
    try:
        picture = make_thumbnail(root, look)
    except UnreadableImageError:
        # A header was all that was read of it so far.
        return ""
    return f"<img src='{picture}' title='{escape(look.image, quote=True)}' alt=''>"


def make_thumbnail(root: Path, look: ImageInfo) -> str:
    """A readable image as a `data:` URL of a PNG of at most 72 pixels a side."""
    small = read_image(root / look.image)
    small.thumbnail((_SIDE, _SIDE))
    written = io.BytesIO()
    small.save(written, "PNG")
    return f"data:image/png;base64,{base64.b64encode(written.getvalue()).decode()}"


def _render_object_sizes(inspection: Inspection) -> Iterator[str]:
    counts = {split: inspection.count_object_sizes(split) for split in inspection.layout.splits}
    if not any(counts.values()):
        return
    heads = "".join(f"<th class=n>{split}" for split in counts)
    yield "<h2>Objects by size</h2><p class=quiet>Square pixels as COCO has them: small below "
    yield f"32², medium below 96².</p><table><tr><th>size{heads}</tr>"
    for name in OBJECT_SIZES:
        cells = "".join(f"<td class=n>{found.get(name, 0):,}" for found in counts.values())
        yield f"<tr><td>{name}{cells}</tr>"
    yield "</table>"


def _render_counts(title: str, counts: Sequence[tuple[str, int]]) -> Iterator[str]:
    if not counts:
        return
    widest = max(count for _, count in counts)
    yield f"<h2>{title}</h2><table>"
    for name, count in counts[:12]:
        yield f"<tr><td>{escape(name)}<td class=n>{count:,}<td><div class=bar>"
        yield f"<i style='width:{100 * count / widest:.2f}%;background:#7d8796'></i></div></tr>"
    yield "</table>"
    if len(counts) > 12:
        yield f"<p class=quiet>and {len(counts) - 12:,} more</p>"
