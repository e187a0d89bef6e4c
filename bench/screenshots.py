"""Pictures of all pages of the running demo: wide and narrow, light and dark, both languages.

`make screenshots` reads var/demo.json and writes to bench/out/screenshots/.
"""

import argparse
import itertools
import json
import os
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "bench" / "out" / "screenshots"
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def annotator(page: Page, invite: str, shot) -> None:
    page.goto(invite)
    shot("welcome")
    page.get_by_role("button").first.click()
    shot("consent")
    page.locator("button[value=agree]").click()
    shot("instructions")
    page.locator("main a.button--primary, main button.button--primary").first.click()
    shot("compare")


def dashboard(page: Page, demo: dict[str, str], shot) -> None:
    base = demo["api_url"].removesuffix("api/v1/")
    page.goto(f"{base}login/")
    shot("login")
    page.fill("[name=username]", demo["username"])
    page.fill("[name=password]", demo["password"])
    with page.expect_navigation():
        page.locator("main button").click()
    shot("studies")
    study = demo["dashboard_url"]
    for name in ("", "results/", "report/", "comparisons/?show=judged", "workers/", "outputs/",
                 "reports/"):  # fmt: skip
        page.goto(study + name)
        shot("study-" + (name.split("/")[0] or "overview"))
    page.goto(f"{study}comparisons/?show=judged")
    page.locator("tbody a").first.click()
    shot("comparison")
    page.goto(f"{study}workers/")
    if page.locator("tbody a").count():
        page.locator("tbody a").first.click()
        shot("worker")
    for name in ("studies/new/", "prompt-sets/", "prompt-sets/new/", "systems/", "systems/new/",
                 "connections/new/", "vendors/", "account/"):  # fmt: skip
        page.goto(base + name)
        shot(name.strip("/").replace("/", "-"))
    page.goto(f"{base}prompt-sets/")
    page.locator("tbody a").first.click()
    shot("prompt-set")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--widths", type=int, nargs="*", default=[1440, 360])
    parser.add_argument("--schemes", nargs="*", default=["light", "dark"])
    parser.add_argument("--locales", nargs="*", default=["en", "ko"])
    chosen = parser.parse_args()
    var = Path(os.environ.get("JEOUL_VAR", ROOT / "var"))
    demo = json.loads((var / "demo.json").read_text())
    OUT.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=ARGS)
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
