"""What a model says of images, as rows for a terminal or of CSV."""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from vtspec.pipelines.errors import Refused
from vtspec.pipelines.formatting import pluralize
from vtspec.pipelines.runs.json_values import to_mapping, to_number, to_numbers
from vtspec.schema.visible_text import make_visible

from .styled_text import Line, Span, count_cells, fill_lines, pad_text
from .table import stack_row

_NAME_WIDTH = 60

_TIME_WIDTH = 10
"""Cells of the time of a frame; that of a day, to the hundredth of a second."""

_CORNERS = ("x_min", "y_min", "x_max", "y_max")

_SHAPES = {
    "instance-segmentation": "mask",
    "pose-estimation": "keypoints",
    "oriented-detection": "corners",
}
"""What is said of an object beside its box, by task."""


def format_predictions(
    answers: Iterable[Mapping[str, object]],
    asked: Iterable[tuple[Path, bool]],
    top: int,
    width: int | None = None,
) -> Iterator[Line]:
    """Rows for each answer, as it comes: the image, then the likeliest classes with scores; where
    an image may show several, those that are said of it; of a detector a row an object, the
    surest first, with its corners in pixels and, in short, what else is said of it: the pixels of
    its mask, the points of a body that are likely to be seen, the angle of a turned box; of a mask
    of the whole image the classes with their shares of it; of a picture where it was written; a
    text as it is. `asked` are the files, and whether each is a video, of whose frames each has its
    time.

    In a terminal of a `width` that a row may not fit, what is said stands below its image.
    """
    # Of all names beforehand, so that each row can be printed when its answer comes.
    longest = max(
        count_cells(_format_name(path)) + (_TIME_WIDTH if is_video else 0)
        for path, is_video in asked
    )
    for result in answers:
        if "predicted_boxes" in result:
            rows = _describe_objects(result["predicted_boxes"], top, _get_shape(result))
            widest = max(sum(2 + count_cells(text) for text, _ in row) for row in rows)
        elif "predicted_mask" in result:
            rows = [_describe_areas(result["predicted_mask"], top)]
            widest = sum(2 + count_cells(text) for text, _ in rows[0])
        elif "predicted_labels" in result:
            rows = [_describe_labels(result, top)]
            widest = sum(2 + count_cells(text) for text, _ in rows[0])
        elif "predicted_path" in result or "predicted_image" in result:
            rows = [_describe_picture(result)]
            widest = sum(2 + count_cells(text) for text, _ in rows[0])
        elif "predicted_text" in result:
            rows = [_describe_text(result)]
            widest = sum(2 + count_cells(text) for text, _ in rows[0])
        else:
            told = _rank_classes(_get_scores(result))
            rows = [_style_first(told[:top])]
            # Every class is among them, in whatever order: rows of all images are of one form.
            cells = sorted((2 + count_cells(one) for one in told), reverse=True)
            widest = sum(cells[:top])
        yield from _lay_out(_name(result), rows, longest, widest, width)


def list_table_rows(
    results: Iterable[Mapping[str, object]], *, with_frames: bool = False
) -> Iterator[Sequence[object]]:
    """A row of headings, then one for each image, with every class's score; where an image may
    show several, its labels stand in one cell, with spaces between; of a detector a row for each
    object, and for an image without any one that has no label. A mask, points or the corners of a
    turned box stand in one cell, as JSON. Of a mask of the whole image a row for each class that
    has a pixel, of pictures where they lie, of a text that. `with_frames` there are the number and
    the time of the frame of a video beside the file, which are empty where it is an image."""
    place = ("frame", "time_s") if with_frames else ()
    for index, result in enumerate(results):
        headings, rows = _tabulate(result)
        if not index:
            yield ("image", *place, *headings)
        at = (result.get("image_path"), *(result.get(name) for name in place))
        yield from ((*at, *row) for row in rows)


def _tabulate(result: Mapping[str, object]) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    """What an answer is told in, and its rows."""
    if "predicted_boxes" in result:
        return _tabulate_objects(result)
    if "predicted_mask" in result:
        return ("label", "share"), _list_areas(result["predicted_mask"])
    if "predicted_path" in result or "predicted_image" in result:
        return ("picture",), [(result.get("predicted_path"),)]
    if "predicted_text" in result:
        return ("text",), [(result["predicted_text"],)]
    scores = _get_scores(result)
    if "predicted_labels" in result:
        labels = " ".join(_list_texts(result["predicted_labels"]))
        return ("labels", *scores), [(labels, *scores.values())]
    said = (result.get("predicted_label"), result.get("confidence"), *scores.values())
    return ("label", "confidence", *scores), [said]


def _tabulate_objects(
    result: Mapping[str, object],
) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    shape = _get_shape(result)
    more = () if shape is None else (shape,)
    headings = ("label", "confidence", *_CORNERS, *more)
    rows: list[Sequence[object]] = []
    for one in _list_objects(result["predicted_boxes"]):
        label, confidence, corners = _read_object(one)
        shapes = (json.dumps(one.get(name), ensure_ascii=False) for name in more)
        rows.append((label, confidence, *corners, *shapes))
    return headings, rows or [[None] * len(headings)]


def _get_scores(result: Mapping[str, object]) -> Mapping[str, float]:
    scores = to_numbers(result.get("scores"))
    if not scores:
        raise _refuse_table()
    return scores


def _refuse_table() -> Refused:
    return Refused("what this model says of an image fits no table", fix="add --output json")


def _rank_classes(scores: Mapping[str, float]) -> list[str]:
    ranked = sorted(scores.items(), key=lambda pair: -pair[1])
    return [f"{make_visible(label)} {score:.3f}" for label, score in ranked]


def _describe_labels(result: Mapping[str, object], top: int) -> list[Span]:
    scores, said = _get_scores(result), _list_texts(result["predicted_labels"])
    told = _rank_classes({name: scores[name] for name in said if name in scores})
    more = [(f"and {len(told) - top} more", "dim")] if len(told) > top else []
    return [*((text, "bold") for text in told[:top]), *more] or [("no label", "dim")]


def _describe_areas(told: object, top: int) -> list[Span]:
    found = [f"{make_visible(label)} {share or 0.0:.1%}" for label, share in _list_areas(told)]
    more = [(f"and {len(found) - top} more", "dim")] if len(found) > top else []
    return [*_style_first(found[:top]), *more]


def _list_areas(told: object) -> list[tuple[str, float | None]]:
    """The classes that have a pixel, with their shares of the image, the largest first."""
    segments = _list_objects(to_mapping(told).get("segments"))
    if not segments:
        raise _refuse_table()
    return [(str(one.get("label", "")), to_number(one.get("share"))) for one in segments]


def _get_shape(result: Mapping[str, object]) -> str | None:
    return _SHAPES.get(str(result.get("task_type")))


def _describe_picture(result: Mapping[str, object]) -> list[Span]:
    where = result.get("predicted_path")
    if where is None:
        return [("a picture: add --into FOLDER", "dim")]
    return [(make_visible(str(where)), "bold")]


def _describe_text(result: Mapping[str, object]) -> list[Span]:
    # One line of a terminal, whatever was written.
    text = " ".join(str(result["predicted_text"]).split())
    return [(make_visible(text), "bold") if text else ("no text", "dim")]


def _describe_objects(told: object, top: int, shape: str | None) -> list[list[Span]]:
    found = [(*_read_object(one), one) for one in _list_objects(told)]
    found.sort(key=lambda one: -(one[1] or 0.0))
    rows = [
        _style_first(
            [
                f"{make_visible(label)} {confidence or 0.0:.3f}",
                " ".join(f"{corner:.0f}" for corner in corners),
                *([] if shape is None else [_DESCRIBE[shape](one.get(shape))]),
            ]
        )
        for label, confidence, corners, one in found[:top]
    ]
    if len(found) > top:
        rows.append([(f"and {len(found) - top} more", "dim")])
    return rows or [[("no object", "dim")]]


def _list_texts(told: object) -> list[str]:
    return [str(one) for one in told] if isinstance(told, list | tuple) else []


def _describe_mask(told: object) -> str:
    from vtspec.adapters.data.mask_rle import parse_rle

    try:
        return pluralize(parse_rle(told).area, "pixel")
    except ValueError as error:
        raise Refused(f"a mask cannot be read: {error}", fix="add --output json") from error


def _describe_points(told: object) -> str:
    points = to_mapping(told)
    seen = {
        name: point
        for name, point in points.items()
        if isinstance(point, list | tuple)
        and len(point) == 3
        and (to_number(point[2]) or 0) >= 0.5
    }
    shown = (f"{make_visible(name)} {x:.0f} {y:.0f}" for name, (x, y, _) in seen.items())
    return ", ".join(shown) or "no point is likely to be seen"


def _describe_turn(told: object) -> str:
    numbers = [to_number(one) or 0.0 for one in told] if isinstance(told, list | tuple) else []
    if len(numbers) != 8:
        raise Refused("a turned box has not four corners", fix="add --output json")
    along = math.atan2(numbers[3] - numbers[1], numbers[2] - numbers[0])
    return f"turned by {math.degrees(along) % 180:.0f}°"


_DESCRIBE: Mapping[str, Callable[[object], str]] = {
    "mask": _describe_mask,
    "keypoints": _describe_points,
    "corners": _describe_turn,
}


def _list_objects(told: object) -> list[Mapping[str, object]]:
    return [to_mapping(one) for one in told] if isinstance(told, list | tuple) else []


def _read_object(fields: Mapping[str, object]) -> tuple[str, float | None, list[float]]:
    box = fields.get("box")
    corners = map(to_number, box if isinstance(box, list | tuple) else ())
    known = [corner for corner in corners if corner is not None]
    return str(fields.get("label", "")), to_number(fields.get("confidence")), known


def _style_first(texts: Sequence[str]) -> list[Span]:
    return [(text, "dim" if place else "bold") for place, text in enumerate(texts)]


def _lay_out(
    name: str, rows: Sequence[Sequence[Span]], longest: int, widest: int, width: int | None
) -> Iterator[Line]:
    if width is not None and longest + widest > width:
        yield from stack_row((name, ""), rows[0], width)
        for row in rows[1:]:
            yield from fill_lines(row, width, "    ")
        return
    for place, row in enumerate(rows):
        spans = [span for text, style in row for span in (("  ", ""), (text, style))]
        yield ((pad_text("" if place else name, longest), ""), *spans)


def _name(result: Mapping[str, object]) -> str:
    name, time_s = (
        _format_name(Path(str(result.get("image_path")))),
        to_number(result.get("time_s")),
    )
    return name if time_s is None else f"{name} {time_s:>{_TIME_WIDTH - 2}.2f}s"


def _format_name(path: Path) -> str:
    shown = make_visible(str(path))
    # The end is kept: images of one folder differ there.
    return shown if len(shown) <= _NAME_WIDTH else f"…{shown[1 - _NAME_WIDTH :]}"
