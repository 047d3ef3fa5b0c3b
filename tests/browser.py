"""A real browser for tests of pages: playwright with the system's Chromium; nothing is downloaded."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright


def chromium() -> str:
    """The system's Chromium; without one the test fails and names the package."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        raise AssertionError("Chromium is missing: `make browser` (or `apt-get install chromium`), then run again")
    return found


@contextmanager
def opened(text: str, width: int = 390) -> Iterator[Page]:
    """A page in a window of some width, without network; fails on anything the console calls an error."""
    errors: list[str] = []
    with _browser() as browser:
        page = browser.new_page(viewport={"width": width, "height": 844}, offline=True)
        page.on("console", lambda said: errors.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.set_content(text)
        yield page
    assert errors == []


@contextmanager
def visited(base: str) -> Iterator[Page]:
    """A window before a site on this machine, by whose address others are completed."""
    with _browser() as browser:
        yield browser.new_page(base_url=base, viewport={"width": 1500, "height": 1400})


@contextmanager
def _browser() -> Iterator[Browser]:
    sandbox = [] if os.getuid() else ["--no-sandbox"]  # root has no sandbox
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=[*sandbox, "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


def overflow(page: Page) -> int:
    """By how many pixels a page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def contrasts(page: Page) -> list[str]:
    """Texts with too little contrast (WCAG 2: 4.5 to 1) against the white they stand on."""
    found: list[str] = page.evaluate("""() => {
        const lum = c => { const [r, g, b] = c.match(/\\d+/g).map(Number).map(v => v / 255)
            .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
        return [...document.querySelectorAll('main *')].filter(e => e.children.length === 0 && e.innerText)
            .filter(e => 1.05 / (lum(getComputedStyle(e).color) + 0.05) < 4.5).map(e => e.tagName); }""")
    return found
