"""The pictures: the same bytes each time, legible names, and no class name that breaks them."""

import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hostile_text import CORPUS
from report_data import a_baseline, a_run, an_evaluation, some_facts, told, write_run
from vtspec.pipelines.operations.run import write_run_report
from vtspec.pipelines.reporting.evaluation import PrCurve
from vtspec.pipelines.reporting.facts import Facts, build_facts
from vtspec.pipelines.reporting.plots.canvas import LIGHT, Canvas, make_canvas
from vtspec.pipelines.reporting.plots.charts import (
    NAMES,
    draw_confusion,
    draw_plots,
    draw_precision_recall,
    recall_plots,
    select_weakest,
)
from vtspec.pipelines.reporting.plots.fonts import UNKNOWN, Fonts, choose_fonts
from vtspec.pipelines.reporting.render.html_elements import parse_png_size

pytestmark = pytest.mark.slow


def _pixels(png: bytes) -> Any:
    import numpy as np
    from matplotlib.image import imread

    return np.asarray(imread(io.BytesIO(png)))[..., :3]


def _facts_with(names: list[str]) -> Facts:
    return some_facts(evaluation=an_evaluation(names))


def _confusion(facts: Facts) -> bytes:
    return draw_confusion(facts, make_canvas(facts, LIGHT))


def test_the_same_figures_give_the_same_bytes() -> None:
    facts = build_facts(a_run(), a_baseline())
    first, second = draw_plots(facts), draw_plots(facts)
    assert first == second
    assert tuple(first) == NAMES


def test_a_picture_that_was_drawn_before_is_drawn_anew_where_anything_in_it_differs() -> None:
    facts = build_facts(a_run(), a_baseline())
    first, again = recall_plots(facts), recall_plots(build_facts(a_run(), a_baseline()))
    assert all(again[name] is picture for name, picture in first.items())
    curves, results = facts.curves, facts.results
    assert results.confusion is not None and results.calibration is not None
    loss = replace(curves.losses[0], points=curves.losses[0].points[:1])
    gates = (replace(facts.verdict.gates[0], threshold=0.123),)
    bins = results.calibration.bins[:1]
    rate = replace(curves.rate, points=curves.rate.points[:2])
    flat = replace(results.pr_curves[0], precision=results.pr_curves[0].precision[::-1])
    counts = tuple(cells[::-1] for cells in results.confusion.counts)
    changed = {
        "loss": replace(facts, curves=replace(curves, losses=(loss, *curves.losses[1:]))),
        "metric": replace(facts, verdict=replace(facts.verdict, gates=gates)),
        "rate": replace(facts, curves=replace(curves, rate=rate)),
        "confusion": replace(
            facts, results=replace(results, confusion=replace(results.confusion, counts=counts))
        ),
        "precision-recall": replace(
            facts, results=replace(results, pr_curves=(flat, *results.pr_curves[1:]))
        ),
        "calibration": replace(
            facts, results=replace(results, calibration=replace(results.calibration, bins=bins))
        ),
    }
    for name, other in changed.items():
        drawn = recall_plots(other)
        assert [one for one in NAMES if drawn[one] is not first[one]] == [name]


def test_no_picture_holds_a_date_or_a_version() -> None:
    for picture in draw_plots(some_facts()).values():
        assert b"matplotlib" not in picture.light.lower()
        assert b"tEXt" not in picture.light and b"tIME" not in picture.light


def test_a_picture_is_light_for_light_pages_and_dark_for_dark_ones() -> None:
    for picture in draw_plots(some_facts()).values():
        assert _pixels(picture.light).mean() > 0.7
        assert _pixels(picture.dark).mean() < 0.35


def test_only_what_was_measured_is_drawn() -> None:
    assert draw_plots(some_facts(evaluation={}, events=[])) == {}
    assert tuple(draw_plots(some_facts(evaluation={}))) == ("loss", "metric", "rate")


def test_one_epoch_is_a_point() -> None:
    assert tuple(draw_plots(some_facts(evaluation={}, events=told(epochs=1)))) == (
        "loss",
        "metric",
    )


def test_the_baseline_the_best_epoch_and_the_gates_are_in_the_picture_of_the_metric() -> None:
    alone, against = draw_plots(some_facts()), draw_plots(build_facts(a_run(), a_baseline()))
    assert alone["metric"] != against["metric"]
    assert alone["loss"] == against["loss"]


def test_names_of_every_kind_are_drawn_without_a_warning() -> None:
    names = [f"{text}{n}" for n, text in enumerate(CORPUS)][:40]
    facts = _facts_with(names)
    assert parse_png_size(_confusion(facts)) is not None
    assert parse_png_size(draw_precision_recall(facts, make_canvas(facts, LIGHT))) is not None


@pytest.mark.parametrize(
    "name", ["고양이", "猫", "ねこ", "แมว", "قطة", "बिल्ली", "𓃠", "$x^{$", "_x"]
)
def test_a_name_in_any_script_is_drawn_without_a_warning(name: str) -> None:
    assert parse_png_size(_confusion(_facts_with([name, "other"]))) is not None


# Linear A, which next to no machine has a font for.
RARE = "𐘀𐘁"


def test_a_letter_that_no_font_has_is_a_box() -> None:
    fonts = choose_fonts([RARE])
    assert fonts.families == ("DejaVu Sans",)
    assert fonts.make_drawable(f"{RARE} cat", 20) == f"{UNKNOWN * 2} cat"


def test_looking_for_a_letter_in_every_font_says_nothing_itself() -> None:
    looking = "from vtspec.pipelines.reporting.plots.fonts import choose_fonts; "
    command = [sys.executable, "-c", f"{looking} print(choose_fonts(['{RARE}']).families)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("('DejaVu Sans',)\n", "")


def test_classes_whose_letters_no_font_has_are_told_apart_by_number() -> None:
    fonts = choose_fonts([RARE], classes=["cat", RARE, RARE[::-1]])
    drawn = [fonts.make_drawable(name, 20) for name in ("cat", RARE, RARE[::-1])]
    assert drawn == ["cat", f"1: {UNKNOWN * 2}", f"2: {UNKNOWN * 2}"]
    told = fonts.describe_lacking()
    assert told is not None
    assert f"1: {RARE}, 2: {RARE[::-1]}" in told
    assert "apt-get install fonts-noto-core" in told
    assert choose_fonts([], classes=["cat", "chien"]).describe_lacking() is None


@pytest.mark.parametrize(
    ("name", "package"), [("고양이", "cjk"), ("ねこ", "cjk"), ("แมว", "core")]
)
def test_the_package_that_brings_a_script_is_named(name: str, package: str) -> None:
    fonts = Fonts(families=(), letters=frozenset(), lacking=(name,))
    assert f"apt-get install fonts-noto-{package}'" in (fonts.describe_lacking() or "")


def test_a_report_says_that_its_pictures_lack_letters(tmp_path: Path) -> None:
    folder = write_run(a_run(evaluation=an_evaluation([RARE, "cat", "dog"])), tmp_path)
    said: list[str] = []
    write_run_report(folder, said.append)
    assert "no font of this machine has all letters of" in (folder / "report.md").read_text()
    assert said[0].startswith(f"warning: no font of this machine has all letters of 0: {RARE}")


def write_font(path: Path, letters: str) -> None:
    """A font whose letters are empty, which matplotlib takes like any other."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    names = [".notdef", *(f"uni{ord(letter):05X}" for letter in letters)]
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(names)
    font.setupCharacterMap(dict(zip(map(ord, letters), names[1:], strict=True)))
    font.setupGlyf({name: TTGlyphPen(None).glyph() for name in names})
    font.setupHorizontalMetrics({name: (1000, 0) for name in names})
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "Linear", "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(path)


@pytest.mark.slow
def test_a_font_is_found_that_was_installed_after_matplotlib_listed_them(tmp_path: Path) -> None:
    """Its name is on no list of ours, and matplotlib's own list in a file is stale."""
    fonts = tmp_path / "share" / "fonts"
    fonts.mkdir(parents=True)
    ask = (
        "import sys; from vtspec.pipelines.reporting.plots.fonts import choose_fonts; "
        "print(*choose_fonts(sys.argv[1:]).families, sep=',')"
    )
    environ = {**os.environ, "XDG_DATA_HOME": str(fonts.parent), "MPLCONFIGDIR": str(tmp_path)}

    def choose() -> str:
        command = [sys.executable, "-c", ask, RARE]
        done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    assert choose() == "DejaVu Sans"
    (fonts / "broken.ttf").write_bytes(b"no font")
    write_font(fonts / "linear.ttf", RARE)
    assert choose() == "DejaVu Sans,Linear"
    (fonts / "linear.ttf").unlink()
    assert choose() == "DejaVu Sans"


def test_a_font_that_adds_nothing_is_not_taken() -> None:
    assert choose_fonts(["cat"]).families == ("DejaVu Sans",)
    assert choose_fonts([RARE], candidates=["STIXGeneral"]).families == ("DejaVu Sans",)


def test_a_name_is_not_read_as_mathematics() -> None:
    blank = Canvas(LIGHT, choose_fonts([]))
    figure, axes = blank.make_axes(2, 2)
    text = axes.set_title("$x^{$")
    blank.render_png(figure)
    assert text.get_text() == "$x^{$"
    assert not text.get_parse_math()


@pytest.mark.parametrize("size", [2, 12, 13, 21, 61, 1000])
def test_a_confusion_matrix_of_any_size_has_a_picture(size: int) -> None:
    facts = _facts_with([f"class {n}" for n in range(size)])
    found = parse_png_size(_confusion(facts))
    assert found is not None
    width, height = found
    assert 800 < width < 1400
    assert 800 < height < 1300


def test_no_mistake_is_lost_between_pixels_in_a_large_matrix() -> None:
    names = [f"c{n}" for n in range(900)]
    right = [[9 if i == j else 0 for j in range(900)] for i in range(900)]
    wrong = [row[:] for row in right]
    wrong[701][103] = 9
    clean = _confusion(some_facts(evaluation=an_evaluation(names, confusion=right)))
    stained = _confusion(some_facts(evaluation=an_evaluation(names, confusion=wrong)))
    different = (abs(_pixels(clean) - _pixels(stained)) > 0.2).any(axis=2)
    assert different.sum() >= 4


def test_a_matrix_without_images_is_drawn() -> None:
    facts = some_facts(evaluation=an_evaluation(["a", "b"], confusion=[[0, 0], [0, 0]]))
    assert parse_png_size(_confusion(facts)) is not None


def test_a_calibration_without_images_is_drawn() -> None:
    bins = [{"low": 0.0, "high": 1.0, "count": 0, "confidence": None, "accuracy": None}]
    facts = some_facts(evaluation=an_evaluation(calibration={"bins": bins, "ece": None}))
    assert "calibration" in draw_plots(facts)


def test_the_weakest_classes_are_drawn() -> None:
    def curve(name: str, average: float | None) -> PrCurve:
        return PrCurve(name=name, recall=(1.0,), precision=(1.0,), average_precision=average)

    curves = [curve(str(n), n / 10) for n in range(8)] + [curve("unknown", None)]
    assert [one.name for one in select_weakest(curves)] == ["0", "1", "2", "3", "4"]
    assert [one.name for one in select_weakest(curves[8:])] == ["unknown"]


def test_without_matplotlib_it_is_said_what_to_install(tmp_path: Path) -> None:
    run = write_run(a_run(), tmp_path)
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from pathlib import Path\n"
        "from vtspec.pipelines.errors import Permanent\n"
        "from vtspec.pipelines.reporting import write_report\n"
        "try: write_report(Path(sys.argv[1]))\n"
        "except Permanent as error: print(error.fix)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(run)], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("pip install 'vtspec[report]'\n", "")
    assert not (run / "report.html").exists()


def test_pixels_are_shown_as_shares_which_so_many_fit_as_few() -> None:
    few = an_evaluation(["a", "b"], confusion=[[3, 1], [0, 2]], confusionUnit="pixel")
    many = [[count * 10**9 for count in row] for row in few["confusion"]]
    pictures = [
        _confusion(some_facts(evaluation={**few, "confusion": counts}))
        for counts in (few["confusion"], many)
    ]
    assert pictures[0] == pictures[1]
    assert pictures[0] != _confusion(some_facts(evaluation={**few, "confusionUnit": "image"}))
