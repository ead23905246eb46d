"""The page in a real browser: nothing loads from elsewhere, nothing sticks out, all is seen."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from report_data import a_baseline_that_says, a_run_that_says, write_run
from vtspec.pipelines.reporting import write_report

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("chromium") is None or shutil.which("chromedriver") is None,
        reason="needs Debian's chromium and chromium-driver",
    ),
]

WORDS = "한국어 <b>very</b> " + "longlonglong" * 8


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run whose every text is long, foreign and full of markup."""
    runs = tmp_path_factory.mktemp("runs")
    run, other = a_run_that_says(WORDS), a_baseline_that_says(WORDS)
    folder = write_run(run, runs)
    baseline = write_run(type(other)(name="baseline", plan=other.plan, events=other.events), runs)
    return write_report(folder, baseline).html


@pytest.fixture(scope="module")
def browser() -> Iterator["Chrome"]:
    """A headless Chromium."""
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = Chrome(options=options, service=Service(shutil.which("chromedriver")))
    yield chrome
    chrome.quit()


def _open(browser: "Chrome", page: Path, width: int) -> None:
    # A window of a headless Chromium is never narrower than 500; the device's width may be.
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(page.as_uri())


def _complaints(browser: "Chrome") -> list[Any]:
    found: list[Any] = browser.execute("getLog", {"type": "browser"})["value"]
    return found


def _asked(browser: "Chrome", script: str) -> Any:
    return browser.execute_script(f"return {script}")


@pytest.mark.parametrize("width", [420, 800, 1200])
def test_nothing_sticks_out_of_the_page(browser: "Chrome", page: Path, width: int) -> None:
    _open(browser, page, width)
    assert _asked(browser, "innerWidth") == width
    assert _asked(browser, "document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_picture_is_loaded_in_both_themes(browser: "Chrome", page: Path, theme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": theme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    _open(browser, page, 1200)
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    browser.execute_script("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
    sizes = browser.execute_async_script(
        "const done = arguments[0], all = [...document.images];"
        "Promise.all(all.map(i => i.decode())).then(() => done(all.map(i => i.naturalWidth)))"
    )
    assert len(sizes) == 7
    assert all(size > 0 for size in sizes)
    paper = _asked(browser, "getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(15, 17, 20)") == (theme == "dark")


def test_the_browser_has_nothing_to_complain_about(browser: "Chrome", page: Path) -> None:
    _complaints(browser)
    _open(browser, page, 1200)
    assert _complaints(browser) == []
    assert _asked(browser, "performance.getEntriesByType('resource').length") == 0


def test_markup_in_names_is_text(browser: "Chrome", page: Path) -> None:
    _open(browser, page, 1200)
    assert _asked(browser, "document.querySelectorAll('bdi b').length") == 0
    assert "<b>very</b>" in _asked(browser, "document.body.innerText")


def test_text_can_be_read_against_its_background(browser: "Chrome", page: Path) -> None:
    """WCAG 2.2, 1.4.3: a contrast of at least 4.5 to 1, in both themes."""
    script = """
      const light = c => { const v = c.map(x => x / 255).map(
        x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
        return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]; };
      const rgb = s => s.match(/[\\d.]+/g).map(Number);
      const behind = e => { for (; e; e = e.parentElement) {
        const c = rgb(getComputedStyle(e).backgroundColor);
        if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
      return [...document.querySelectorAll('main *')].filter(e =>
        [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())).map(e => {
          const a = light(rgb(getComputedStyle(e).color)), b = light(behind(e));
          return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.className, e.tagName]; })
    """
    for theme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": theme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        _open(browser, page, 1200)
        found = browser.execute_script(script)
        assert len(found) > 100
        assert [one for one in found if one[0] < 4.5] == []
