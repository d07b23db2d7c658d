"""A headless Chromium, driven by Selenium; `make browser` installs both, and lets nothing be skipped."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.browser.page import Page
from tests.browser.required import lacks

PAGE = Path(__file__).parents[2] / "docs" / "playground" / "index.html"
PROGRAMS = ("chromium", "chromedriver")
SIZES = {"phone": (390, 844), "desk": (1280, 900)}


@pytest.fixture(scope="session")
def browser():
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    missing += [] if find_spec("selenium") else ["selenium"]
    if missing:
        lack = f"for lack of {', '.join(missing)}; `make browser` installs what it needs"
        lacks(f"THE SITE IS NOT LOOKED AT, NOR THE PLAYGROUND TESTED, {lack}")
    from selenium import webdriver  # noqa: PLC0415 - where it is installed

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def playground(browser):
    """Return the browser with the page in it."""
    browser.get(PAGE.as_uri())
    return browser


@pytest.fixture(params=SIZES)
def page(browser, request):
    """Return the page on a phone and on a desk, as at a first visit; it is to complain of nothing."""
    width, height = SIZES[request.param]
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": request.param == "phone"}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(PAGE.as_uri())
    browser.execute_script("localStorage.clear()")
    browser.get_log("browser")
    browser.get(PAGE.as_uri())
    it = Page(browser)
    it.drawn()
    yield it
    complaints = browser.get_log("browser")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert complaints == []  # no error, no warning
