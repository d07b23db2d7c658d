"""The site as a reader sees it, in headless Chromium: `make docs` builds what is looked at here."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.browser.required import lacks

pytestmark = pytest.mark.browser

SITE = Path(__file__).parents[2] / "docs/_build/html"
SCREEN = 1080  # pixels: the height of a screen of a desktop
# Listings and tables of all there is are as long as they are; the playground is a tool, not a text.
LISTINGS = ("_modules", "_static", "api", "laws", "playground", "genindex.html", "py-modindex.html", "search.html")
TWO_CLICKS_AWAY = {
    "the definition of each loss": ("clauses/vq-05.html", "clauses/vq-18.html"),
    "how to check an own implementation": ("use/verifying.html",),
    "a recipe for many devices": ("use/many-machines.html",),
    "the playground": ("playground/index.html",),
}


def pages():
    found = sorted(SITE.rglob("*.html"))
    return [path for path in found if path.relative_to(SITE).parts[0] not in LISTINGS]


@pytest.fixture(scope="module")
def site(browser):
    if not SITE.exists():
        lacks("THE SITE IS NOT LOOKED AT, since it is not built; `make docs` builds it")
    browser.get_log("browser")  # what other pages left
    return browser


def width_of(browser, width):
    """Give the page this width in pixels, whatever the window itself may be."""
    size = {"width": width, "height": SCREEN, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def seen(browser, script, width):
    """Return what a script gives on each page, by its path; and what the pages complain of."""
    width_of(browser, width)
    given = {}
    for path in pages():
        browser.get(path.as_uri())
        given[path.relative_to(SITE).as_posix()] = browser.execute_script(script)
    severe = [it["message"] for it in browser.get_log("browser") if it["level"] == "SEVERE"]
    return given, severe


def test_no_page_is_longer_than_three_screens_and_none_complains(site):
    heights, severe = seen(site, "return document.querySelector('.bd-article').scrollHeight", 1280)
    assert len(heights) > 60
    assert {page: height for page, height in heights.items() if height > 3 * SCREEN} == {}
    assert severe == []


def test_no_page_is_wider_than_a_phone(site):
    widths, severe = seen(site, "return document.documentElement.scrollWidth", 390)
    assert {page: width for page, width in widths.items() if width > 390} == {}
    assert severe == []


def test_each_page_begins_with_what_one_can_do_after_it(site):
    first = "return document.querySelector('h1').parentElement.querySelector(':scope > p').innerText"
    sentences, _ = seen(site, first, 1280)
    assert {page: it for page, it in sentences.items() if "you can" not in it or not it.strip().endswith(".")} == {}


def links_of(browser, path):
    browser.get(path.as_uri())
    links = browser.execute_script("return [...document.querySelectorAll('a[href]')].map(it => it.href.split('#')[0])")
    return {path_of(link) for link in links if link.startswith("file:")}


def path_of(link):
    """Return the file of a link, whatever its path has to escape."""
    return Path(unquote(urlsplit(link).path))


def test_the_links_that_the_playground_writes_lead_somewhere(site):
    site.get((SITE / "playground/index.html").as_uri())
    links = site.execute_script("return [...document.querySelectorAll('a[href]')].map(it => it.href)")
    assert len(links) > 30
    wrong = []
    for link in dict.fromkeys(links):
        path, anchor = path_of(link), urlsplit(link).fragment
        text = path.read_text() if path.exists() else ""
        if not text or (anchor and f'id="{anchor}"' not in text):
            wrong.append(link)
    assert wrong == []


@pytest.mark.parametrize("wanted", TWO_CLICKS_AWAY)
def test_from_the_start_page_it_is_two_clicks_at_most(site, wanted):
    width_of(site, 1280)
    first = links_of(site, SITE / "index.html")
    second = set().union(*(links_of(site, path) for path in first if path.suffix == ".html"))
    missing = [page for page in TWO_CLICKS_AWAY[wanted] if (SITE / page) not in first | second]
    assert missing == []
