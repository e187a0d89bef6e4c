"""Pictures of all pages of the running demo: wide and narrow, light and dark, both languages.

`make screenshots` reads var/demo.json and writes to bench/out/screenshots/; `make pictures` takes
the two of the README from the same demo and writes them to docs/images/.
"""

import argparse
import itertools
import json
import os
import shutil
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "bench" / "out" / "screenshots"
PICTURES = ROOT / "docs" / "images"
MOST_BYTES = 300_000
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def annotator(page: Page, invite: str, shot) -> None:
    page.goto(invite)
    shot("welcome")
    page.get_by_role("button").first.click()
    shot("consent")
    page.locator("button[value=agree]").click()
    shot("instructions")
    page.locator("main a.button--primary, main button.button--primary").first.click()
    page.wait_for_selector("#judgement", state="attached")
    if page.locator(".guard:not([open]) > summary").count():
        shot("compare-announced")
        page.locator(".guard > summary").click()
    shot("compare")


def sign_in(page: Page, demo: dict[str, str], shot) -> str:
    base = demo["api_url"].removesuffix("api/v1/")
    page.goto(f"{base}login/")
    shot("login")
    page.fill("[name=username]", demo["username"])
    page.fill("[name=password]", demo["password"])
    with page.expect_navigation():
        page.locator("main button").click()
    return base


def pictures(context: BrowserContext, demo: dict[str, str]) -> None:
    """The README's two, as a person sees them: one screen, not the whole length."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page = context.new_page()
    for _ in range(6):  # another annotator, until one gets an everyday request
        annotator(page, demo["invite_url"], lambda _name: None)
        if not page.locator(".guard").count():
            break
    take(page, "compare")
    sign_in(page, demo, lambda _name: None)
    page.goto(demo["dashboard_url"] + "results/")
    page.wait_for_selector("#results table")
    take(page, "results")


def take(page: Page, name: str) -> None:
    path = PICTURES / f"{name}.png"
    page.screenshot(path=path)
    size = path.stat().st_size
    print(f"{path}: {size // 1000} kB")
    if size > MOST_BYTES:
        raise SystemExit(f"{path} is larger than {MOST_BYTES // 1000} kB; make the window smaller.")


def links(page: Page, selector: str) -> list[str]:
    found = page.locator(selector).evaluate_all("all => all.map(a => a.href)")
    return list(dict.fromkeys(found))


def dashboard(page: Page, demo: dict[str, str], shot) -> None:
    base = sign_in(page, demo, shot)
    shot("studies")
    study = demo["dashboard_url"]
    page.goto(study)
    # Whatever tabs and actions a study has, and whatever the head of the site leads to.
    for address in links(page, ".tabs a, .page-head a.button"):
        page.goto(address)
        shot("study-" + (address.removeprefix(study).strip("/").replace("/", "-") or "overview"))
    page.goto(f"{study}comparisons/?show=judged")
    page.locator("tbody a").first.click()
    shot("comparison")
    page.goto(f"{study}workers/")
    if page.locator("tbody a").count():
        page.locator("tbody a").first.click()
        shot("worker")
    for address in links(page, ".site-nav a, .site-user a"):
        if address.rstrip("/").endswith("api/docs") or address == base:
            continue
        page.goto(address)
        shot(address.removeprefix(base).strip("/").replace("/", "-"))
        for action in links(page, ".page-head a.button"):
            page.goto(action)
            shot(action.removeprefix(base).strip("/").replace("/", "-"))
    page.goto(f"{base}studies/new/?start=version")
    shot("studies-new")
    page.goto(f"{base}prompt-sets/")
    page.locator("tbody a").first.click()
    shot("prompt-set")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--widths", type=int, nargs="*", default=[1440, 390])
    parser.add_argument("--schemes", nargs="*", default=["light", "dark"])
    parser.add_argument("--locales", nargs="*", default=["en", "ko"])
    parser.add_argument("--readme", action="store_true", help="only the two of the README")
    chosen = parser.parse_args()
    var = Path(os.environ.get("JEOUL_VAR", ROOT / "var"))
    try:
        demo = json.loads((var / "demo.json").read_text())
    except OSError:
        raise SystemExit(f"No demo in {var}: start `make demo CROWD=40` beside this.") from None
    OUT.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=ARGS)
        if chosen.readme:
            pictures(browser.new_context(viewport={"width": 1280, "height": 800}), demo)
            browser.close()
            return
        for width, scheme, locale in itertools.product(
            chosen.widths, chosen.schemes, chosen.locales
        ):
            context: BrowserContext = browser.new_context(
                viewport={"width": width, "height": 900}, color_scheme=scheme, locale=locale
            )
            page = context.new_page()

            def shot(
                name: str, *, page: Page = page, tag: str = f"{width}-{scheme}-{locale}"
            ) -> None:
                page.wait_for_load_state("load")
                overflow = page.evaluate(
                    "document.documentElement.scrollWidth > document.documentElement.clientWidth"
                )
                if overflow:
                    print(f"{tag} {name}: wider than the screen")
                page.screenshot(path=OUT / f"{name}-{tag}.png", full_page=True)

            annotator(page, demo["invite_url"], shot)
            dashboard(page, demo, shot)
            context.close()
        browser.close()
    print(f"{len(list(OUT.glob('*.png')))} pictures in {OUT}")


if __name__ == "__main__":
    main()
