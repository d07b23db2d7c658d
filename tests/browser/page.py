"""The page, as a user sees and touches it."""

import re

# The frame after the next has drawn what a change led to.
FRAMES = "requestAnimationFrame(() => requestAnimationFrame(arguments[0]))"


class Page:
    """The page, and what a user does with it."""

    def __init__(self, browser):
        self.browser = browser

    def find(self, selector):
        """Return the first element of a CSS selector."""
        return self.browser.find_element("css selector", selector)

    def click(self, selector):
        """Click it, and wait until its effect is drawn."""
        self.browser.execute_script("arguments[0].click()", self.find(selector))
        self.drawn()

    def drawn(self):
        """Wait until the last change is drawn."""
        self.browser.execute_async_script(FRAMES)

    def step(self, count):
        """Press Step so often."""
        for _ in range(count):
            self.browser.execute_script("document.querySelector('[data-action=step]').click()")
        self.drawn()

    def status(self):
        """Return the line that tells what happened."""
        return self.find("#status").text

    def in_use(self):
        """Return how many codes it tells to be in use."""
        return int(re.search(r"(\d+) of \d+ codes in use", self.status())[1])

    def dead(self):
        """Return how many embeddings are drawn as dead."""
        return len(self.browser.find_elements("css selector", ".handle.is-dead"))

    def name(self, kind, index):
        """Return what a screen reader calls a point."""
        return self.find(f"[data-kind={kind}][data-index='{index}']").get_attribute("aria-label")

    def place(self, kind, index):
        """Return where a point is."""
        x, y = re.search(r"at (\S+), ([−\d.]+)", self.name(kind, index)).groups()
        return float(x.replace("−", "-")), float(y.replace("−", "-"))

    def table(self, column):
        """Return a column of the table of embeddings."""
        rows = self.browser.find_elements("css selector", "#rows tr")
        return [row.find_elements("css selector", "th, td")[column].text for row in rows]

    def press(self, kind, index, key):
        """Press a key on a point."""
        handle = self.find(f"[data-kind={kind}][data-index='{index}']")
        self.browser.execute_script("arguments[0].focus()", handle)
        event = "new KeyboardEvent('keydown', {key: arguments[1], bubbles: true})"
        self.browser.execute_script(f"arguments[0].dispatchEvent({event})", handle, key)
        self.drawn()

    def enter(self, selector, value):
        """Give a field a value."""
        event = "new Event('input', {bubbles: true})"
        script = f"arguments[0].value = arguments[1]; arguments[0].dispatchEvent({event})"
        self.browser.execute_script(script, self.find(selector), value)
        self.drawn()

    def measure(self, name):
        """Return a number below the plane."""
        pairs = self.browser.find_elements("css selector", "#measures div")
        (pair,) = (it for it in pairs if it.find_element("css selector", "dt").text == name)
        return float(pair.find_element("css selector", "dd").text)
