"""The points of the playground: moved, selected and listed."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

SCRIPTS = Path(__file__).parent
RING = (SCRIPTS / "contrast.js").read_text() + (SCRIPTS / "ring.js").read_text()


@pytest.mark.parametrize("device", ["mouse", "touch"])
def test_an_embedding_is_dragged(page, device):
    from selenium.webdriver.common.actions.action_builder import ActionBuilder  # noqa: PLC0415 - where it is installed
    from selenium.webdriver.common.actions.pointer_input import PointerInput  # noqa: PLC0415

    (x, y), handle = page.place("codebook", 6), page.find("[data-kind=codebook][data-index='6'] .dot")
    scale = page.find("#plane").rect["width"] / 2.3  # pixels for a unit
    actions = ActionBuilder(page.browser, mouse=PointerInput(device, device))
    actions.pointer_action.move_to(handle).pointer_down().move_by(40, 20).pointer_up()
    actions.perform()
    page.drawn()
    moved = page.place("codebook", 6)
    assert moved == pytest.approx((x + 40 / scale, y - 20 / scale), abs=0.02)  # places are rounded to 0.01
    assert "embedding 6 at" in page.status()


@pytest.mark.parametrize(("key", "shift"), [("ArrowRight", (0.05, 0)), ("ArrowDown", (0, -0.05))])
@pytest.mark.parametrize("kind", ["codebook", "vectors"])
def test_a_point_is_moved_by_keyboard(page, kind, key, shift):
    x, y = page.place(kind, 0)
    page.press(kind, 0, key)
    assert page.place(kind, 0) == pytest.approx((x + shift[0], y + shift[1]), abs=0.011)  # rounded before and after


def test_the_next_point_is_chosen_by_keyboard(page):
    page.press("codebook", 0, "PageDown")
    active = page.browser.switch_to.active_element
    assert (active.get_attribute("data-kind"), active.get_attribute("data-index")) == ("codebook", "1")
    assert page.find("#point").get_attribute("value") == "codebook 1"
    assert page.browser.execute_script("return document.querySelectorAll('#codebook [tabindex=\"0\"]').length") == 1


def test_a_point_is_moved_by_numbers(page):
    page.enter("#point-x", 0.5)
    assert page.place("codebook", 0)[0] == 0.5


def test_a_field_says_where_its_point_is_held(page):
    field = page.find("#point-x")
    page.browser.execute_script("arguments[0].focus()", field)
    page.enter("#point-x", 5)
    assert field.get_attribute("value") == "5"  # what is being typed stays
    page.browser.execute_script("arguments[0].blur()", field)
    page.drawn()
    assert field.get_attribute("value") == "1.10"


def test_the_list_has_the_points_that_there_are(page):
    page.enter("#vector-count", 56)
    page.click("[data-preset=kMeans]")  # 4 and 60 points are as many as 8 and 56
    options = page.browser.execute_script("return [...document.getElementById('point')].map((it) => it.value)")
    assert options == [f"codebook {j}" for j in range(4)] + [f"vectors {i}" for i in range(60)]


def test_a_point_is_called_a_movable_point(page):
    roles = "[...document.querySelectorAll('.handle')].map((it) => it.getAttribute('aria-roledescription'))"
    assert page.browser.execute_script(f"return {roles}") == ["movable point"] * 68


@pytest.mark.parametrize("kind", ["codebook", "vectors"])
def test_the_selected_point_has_a_ring_that_stands_out(page, kind):
    page.press(kind, 0, "PageDown")
    (selected,) = page.browser.find_elements("css selector", ".is-selected")
    assert (selected.get_attribute("data-kind"), selected.get_attribute("data-index")) == (kind, "1")
    page.browser.execute_script("document.activeElement.blur()")  # the ring of the focus is another
    for _ in "light", "dark":
        ratios = page.browser.execute_script(RING)
        assert len(ratios) == 8
        assert min(ratios) >= 3  # WCAG 2.2, 1.4.11
        page.click("#theme")
