"""The playground as a user has it: by mouse and keyboard, light and dark, on a phone and on a desk."""

import re
import time
from pathlib import Path

import pytest

from tests.browser.conftest import SIZES

pytestmark = pytest.mark.browser

SCRIPTS = Path(__file__).parent
TEXTS = (SCRIPTS / "contrast.js").read_text() + (SCRIPTS / "texts.js").read_text()
STARTS = ("first", "sample", "seeds", "lloyd", "kMeans")

SMALL = """
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const small = [];
while (texts.nextNode()) {
    const { textContent, parentElement } = texts.currentNode;
    const size = parseFloat(getComputedStyle(parentElement).fontSize);
    if (textContent.trim() && parentElement.checkVisibility() && size < 14) small.push([textContent, size]);
}
return small;
"""


def test_a_step_of_gradient_descent_lowers_the_loss(page):
    before = page.measure("codebook-loss")
    page.step(1)
    assert page.status().startswith("step 1: ")
    assert page.measure("codebook-loss") < before


def test_a_step_of_moving_averages_moves_embeddings(page):
    page.click("[name=update-rule][value=average]")
    before = page.table(1)
    page.step(1)
    assert page.table(1) != before


@pytest.mark.parametrize("action", STARTS)
def test_a_start_moves_embeddings(page, action):
    page.click("[data-preset=kMeans]")
    before = page.table(1)
    page.click(f"[data-action={action}]")
    assert page.table(1) != before


def test_run_makes_passes_until_it_is_paused(page):
    from selenium.webdriver.support.wait import WebDriverWait  # noqa: PLC0415

    page.click("#run")
    assert page.find("#run").text == "Pause"
    WebDriverWait(page.browser, 20).until(lambda _: int(re.match(r"step (\d+)", page.status())[1]) >= 3)
    page.click("#run")
    stopped = page.status()
    time.sleep(0.5)  # a pass comes every 0.12 seconds
    assert page.status() == stopped


@pytest.mark.parametrize(
    "settings",
    [{"#n": 1, "#rate": 5}, {"#n": 1, "#rate": 5, "#codebook-loss": -1}, {"#commitment": -1, "#vectors-rate": 50}],
)
def test_run_stops_before_points_fly_off(page, settings):
    from selenium.webdriver.support.wait import WebDriverWait  # noqa: PLC0415

    for field, value in settings.items():
        page.enter(field, value)
    page.click("#run")
    WebDriverWait(page.browser, 20).until(lambda _: "stopped: at this rate points fly off" in page.status())
    assert page.find("#status").get_attribute("aria-live") == "polite"
    assert page.find("#run").text == "Run"
    places = [page.place("codebook", 0), page.place("vectors", 0)]
    assert all(abs(value) <= 100 for place in places for value in place)
    page.click("[data-action=reset]")
    page.step(1)
    assert page.status().startswith("step 1: ")


def test_a_vector_without_an_embedding_gets_no_line(page):
    world = "VQ.world.create({codebook: [[NaN, NaN]]})"
    marks = f"const world = {world}; return VQ.marks.under(world, VQ.world.found(world))"
    assert page.browser.execute_script(f"{marks}.map((it) => it.getAttribute('class'))") == ["axis", "axis"]


def test_more_embeddings_are_vectors_that_were_none(page):
    page.enter("#n", 16)
    assert page.in_use() > 8


def test_new_vectors_and_reset(page):
    before = page.place("vectors", 0)
    page.click("[data-action=cloud]")
    assert page.place("vectors", 0) != before
    page.click("[data-action=reset]")
    assert page.place("vectors", 0) == before


@pytest.mark.parametrize(("preset", "least"), [("drift", 5), ("collapse", 7)])
def test_codes_die_and_are_rescued(page, preset, least):
    page.click(f"[data-preset={preset}]")
    page.step(40)
    left, dead = page.in_use(), page.dead()
    assert dead >= least
    assert page.table(5).count("dead") == dead
    page.click("[name=replacement-rule][value=dead-codes]")
    page.step(12)
    assert page.dead() == 0
    assert page.in_use() >= left + 3


@pytest.mark.parametrize("rule", ["dead-codes", "most-distant"])
def test_replace_now_writes_embeddings(page, rule):
    page.click("[data-preset=collapse]")
    page.click(f"[name=replacement-rule][value={rule}]")
    page.enter("#every", 0)
    page.step(20)
    before = page.in_use()
    page.click("[data-action=replace]")
    assert "replaced embedding" in page.status()
    assert page.in_use() == before + 1


def test_ties_go_to_the_lowest_index(page):
    page.click("[data-preset=tie]")
    assert page.table(2)[4:] == ["2", "0"]  # embeddings 4 and 5 are equal
    assert page.name("vectors", 0).endswith("gets embedding 0")


def test_the_cosine_takes_what_needs_a_norm_out_of_use(page):
    page.click("[name=replacement-rule][value=most-distant]")
    page.click("[name=comparison][value=cosine]")
    disabled = page.browser.execute_script("return document.querySelectorAll('[data-needs-norm]:disabled').length")
    assert disabled == 5  # three losses, spacings, and the replacement of 2018
    assert page.find("[name=replacement-rule][value=none]").is_selected()


def test_the_theme_is_switched_and_kept(page):
    theme = "return document.documentElement.dataset.theme"
    ground = "return getComputedStyle(document.documentElement).backgroundColor"
    before, color = page.browser.execute_script(theme), page.browser.execute_script(ground)
    page.click("#theme")
    after = page.browser.execute_script(theme)
    assert {before, after} == {"light", "dark"}
    assert page.browser.execute_script(ground) != color
    page.browser.refresh()
    assert page.browser.execute_script(theme) == after
    assert page.browser.execute_script("return [localStorage.mode, localStorage.theme]") == [after, after]


@pytest.mark.parametrize("system", ["light", "dark"])
def test_the_theme_is_that_of_the_system(page, system):
    feature = {"features": [{"name": "prefers-color-scheme", "value": system}]}
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", feature)
    page.browser.refresh()
    assert page.browser.execute_script("return document.documentElement.dataset.theme") == system


def test_nothing_scrolls_sideways(page):
    assert page.browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    assert page.browser.execute_script("return innerWidth") in {width for width, _ in SIZES.values()}


def test_every_control_has_a_name(page):
    nodes = page.browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    names = [it["name"]["value"] for it in nodes if is_focusable(it) and it["role"]["value"] != "RootWebArea"]
    assert len(names) > 50
    assert all(names)


def test_a_value_that_stays_is_not_written_again(page):
    outputs = "[...document.querySelectorAll('#controls output')]"
    assert page.browser.execute_script(f"return {outputs}.every((it) => it.ariaLive === 'off')")
    page.browser.execute_script(f"window.written = {outputs}.map((it) => it.firstChild)")
    page.step(1)
    assert page.browser.execute_script(f"return {outputs}.every((it, i) => it.firstChild === written[i])")


def is_focusable(node):
    return any(it["name"] == "focusable" and it["value"]["value"] for it in node.get("properties", []))


def test_no_text_is_small(page):
    assert page.browser.execute_script(SMALL) == []


def test_every_text_stands_out(page):
    for _ in "light", "dark":
        assert page.browser.execute_script(TEXTS) == []
        page.click("#theme")


def test_every_control_tells_what_one_sees_and_links_to_the_site(page):
    links = page.browser.execute_script(
        "return [...document.querySelectorAll('#controls .hint')].map((it) => it.querySelectorAll('a').length)"
    )
    controls = page.browser.execute_script("return document.querySelectorAll('#controls .control').length")
    assert len(links) == controls
    assert min(links) > 0
