"""A headless Chromium, driven by Selenium; `make browser` installs both, and lets nothing be skipped."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "playground" / "index.html"
PROGRAMS = ("chromium", "chromedriver")


@pytest.fixture(scope="session")
def browser():
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    missing += [] if find_spec("selenium") else ["selenium"]
    if missing:
        say = pytest.fail if os.environ.get("BROWSER_REQUIRED") else pytest.skip
        say(f"THE PLAYGROUND IS NOT TESTED, for lack of {', '.join(missing)}; `make browser` installs what it needs")
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
