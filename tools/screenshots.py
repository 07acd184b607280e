"""Takes the README's pictures from a running Dagster UI: python tools/screenshots.py http://127.0.0.1:3000.

Needs the `dev` extra and a Chromium (Debian: apt-get install chromium). The plots want a few syncs behind them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
GRAPH: ViewportSize = {"width": 1600, "height": 1000}
PLOTS: ViewportSize = {"width": 1600, "height": 1360}
PATIENCE_MS = 60_000
DRAWING_MS = 2_000
CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def main(
    url: Annotated[str, typer.Argument(help="Of the Dagster UI.")] = "http://127.0.0.1:3000",
    integration: Annotated[str, typer.Option(help="Name of the integration that is shown.")] = "pms",
    location: Annotated[str, typer.Option(help="Dagster's code location.")] = "odoo_pipelines.definitions",
    chromium: Annotated[Path, typer.Option(help="The browser.")] = Path("/usr/bin/chromium"),
    folder: Annotated[Path, typer.Option(help="Where the pictures go.")] = IMAGES,
) -> None:
    """Writes lineage.png and outcomes.png."""
    folder.mkdir(parents=True, exist_ok=True)
    with _browser(chromium) as page:
        _clear_view(page, url)
        page.goto(f"{url}/locations/{location}/asset-groups/{integration.replace('-', '_')}_load/lineage")
        _take_lineage(page, folder / "lineage.png")
        page.goto(f"{url}/assets/{integration}/odoo/sale_order?view=overview")
        _take_outcomes(page, folder / "outcomes.png")


@contextmanager
def _browser(chromium: Path) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_OPTIONS))
        page = browser.new_page(viewport=GRAPH)
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        yield page
        browser.close()


def _clear_view(page: Page, url: str) -> None:
    """Folds the navigation; a new instance also asks for an e-mail address, once."""
    page.goto(f"{url}/runs")
    navigation = page.get_by_text("Hide navigation")
    expect(navigation).to_be_visible()
    page.wait_for_timeout(DRAWING_MS)
    skip = page.get_by_role("button", name="Skip")
    if skip.is_visible():
        skip.click()
    navigation.click()


def _take_lineage(page: Page, picture: Path) -> None:
    expect(page.get_by_text("sale_order", exact=True)).to_be_visible()
    _take(page, picture)


def _take_outcomes(page: Page, picture: Path) -> None:
    """The numbers of whole runs over time, below the numbers of single partitions."""
    page.set_viewport_size(PLOTS)
    page.get_by_text("Plots", exact=True).click()
    page.get_by_text("Events", exact=True).last.click()  # the first is a tab
    page.get_by_text("run_updated", exact=True).scroll_into_view_if_needed()
    page.get_by_text("run_conflict", exact=True).evaluate("title => title.scrollIntoView()")
    _take(page, picture)


def _take(page: Page, picture: Path) -> None:
    """Moves the mouse off whatever it highlights, and waits for the drawing to settle."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(DRAWING_MS)
    page.screenshot(path=picture)


if __name__ == "__main__":
    typer.run(main)
