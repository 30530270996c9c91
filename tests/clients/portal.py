"""The portal in a browser: people who have logged in, and what every page must be."""

import re
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

DESKTOP, PHONE = 1280, 390
WIDTHS = (DESKTOP, PHONE)
HEIGHT = 800
PAGE_BYTES = 150 * 1024


def log_in(chromium, store, name: str, password: str, javascript: bool = True, width: int = DESKTOP) -> Page:
    """The first page that somebody sees after logging in, in a browser of their own."""
    context = chromium.new_context(
        base_url=store.portal_url, java_script_enabled=javascript, viewport={"width": width, "height": HEIGHT}
    )
    page = context.new_page()
    page.goto("/")
    page.fill("#name", name)
    page.fill("#password", password)
    page.click("main button")
    expect(page.locator("h1")).to_have_text("Object Stores")
    return page


def is_sound(page: Page, path: str, screenshots: Path) -> None:
    """The page answers, is light, has nothing for axe to find, and needs no sideways scrolling."""
    answer = page.goto(path)
    assert answer.status == 200, path
    assert len(answer.body()) < PAGE_BYTES, path
    name = re.sub(r"[/?&=]+", "_", path.strip("/"))
    page.set_viewport_size({"width": DESKTOP, "height": HEIGHT})
    page.emulate_media(color_scheme="dark")
    axe_finds_nothing(page)
    page.screenshot(path=screenshots / f"{name}-dark.png", full_page=True)
    page.emulate_media(color_scheme="light")
    axe_finds_nothing(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        fits(page, screenshots / f"{name}-{width}.png")


def is_sound_as_it_is(page: Page, screenshots: Path, name: str) -> None:
    """What only a form leads to has nothing for axe to find either, and fits both widths."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        fits(page, screenshots / f"{name}-{width}.png")
    axe_finds_nothing(page)


def axe_finds_nothing(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert not found, (page.url, [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found])


def fits(page: Page, screenshot: Path) -> None:
    """Nothing is wider than the browser."""
    page.screenshot(path=screenshot, full_page=True)
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), (page.url, page.viewport_size)
