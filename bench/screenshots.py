"""Pictures of all pages of the running demo: wide and narrow, light and dark, both languages.

`make screenshots` reads var/demo.json, makes a small study of its own beside the demo's (whose
crowd may have taken every comparison), follows every link of the dashboard to one page of each
kind and writes to bench/out/screenshots/; `make pictures` takes the two of the README and writes
them to docs/images/.
"""

import argparse
import itertools
import json
import os
import re
import shutil
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "bench" / "out" / "screenshots"
PICTURES = ROOT / "docs" / "images"
MOST_BYTES = 300_000
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
OWN = "screenshots"
Shot = Callable[[str], None]
# Ids in an address; addresses that differ in them alone show the same kind of page.
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|w-[0-9a-z]{4,}")
NO_PAGE = re.compile(r"/(api|w|join|static|i18n)/|\.(svg|png|csv|jsonl|json|parquet|zip)$|/logout/")


# --- A small study of its own, through the API -----------------------------------------------


def own_study(demo: dict[str, Any]) -> dict[str, str]:
    """Addresses of a running study with free comparisons, of a draft, and an invite link.

    Its prompts and answers are a few of the demo's; a second run finds what the first one made.
    """
    key = {"Authorization": f"Bearer {demo['api_token']}"}
    with httpx.Client(base_url=demo["api_url"], headers=key, timeout=60) as api:
        found = api.get("studies/", params={"slug": OWN}).raise_for_status().json()["results"]
        running = found[0] if found else _make(api, demo)
        drafts = api.get("studies/", params={"state": "draft"}).raise_for_status().json()
        draft = drafts["results"][0] if drafts["results"] else _post(
            api, "studies/", {"title": "A draft", "prompt_set": running["prompt_set"]}
        )  # fmt: skip
        invite = _post(api, f"studies/{running['id']}/invites/", {"vendor": "In-house"})
    base = demo["api_url"].removesuffix("api/v1/")
    return {
        "invite": invite["url"],
        "study": f"{base}studies/{running['id']}/",
        "edit": f"{base}studies/{draft['id']}/edit/",
    }


def _post(api: httpx.Client, path: str, data: dict[str, Any]) -> Any:
    answer = api.post(path, json=data, headers={"Idempotency-Key": str(uuid.uuid4())})
    if answer.is_error:
        raise SystemExit(f"{path}: {answer.status_code} {answer.text[:500]}")
    return answer.json()


def _make(api: httpx.Client, demo: dict[str, Any]) -> Any:
    shown = demo["dashboard_url"].rstrip("/").rsplit("/", 1)[1]
    prompt_set = api.get(f"studies/{shown}/").raise_for_status().json()["prompt_set"]
    outputs = [o for o in _all(api, f"studies/{shown}/outputs/") if o["state"] == "done"]
    names = {name: f"{name}, as shown" for name in sorted({o["system"] for o in outputs})[:2]}
    texts = [
        {"prompt_id": o["prompt_id"], "system": names[o["system"]], "text": o["text"]}
        for o in outputs
        if o["system"] in names
    ]
    answered = Counter(text["prompt_id"] for text in texts)
    rows = [
        {"id": p["key"], "messages": p["messages"], "category": p["category"]}
        for p in sorted(
            _all(api, f"prompt-sets/{prompt_set}/prompts/"),
            key=lambda p: str(p["language"]) != "en",  # the README is in English
        )
        if p["risk"] == "realistic" and answered[p["key"]] == 2
    ][:8]
    if len(rows) < 2:
        raise SystemExit("The demo has answered too few prompts yet; wait and try again.")
    # Two imports: a set with two versions has a page of their difference.
    made = _post(api, "prompt-sets/", {"name": OWN, "prompts": rows[:-1]})
    _post(api, "prompt-sets/", {"name": OWN, "prompts": rows})
    keys = {row["id"] for row in rows}
    texts = [text for text in texts if text["prompt_id"] in keys]
    _post(api, f"prompt-sets/{made['id']}/outputs/", {"rows": texts})
    systems = [s for s in _all(api, "systems/") if s["name"] in names.values()]
    overall = {"key": "overall", "name": "Overall", "scale": 4, "is_overall": True,
               "question": "Which answer would you rather get?"}  # fmt: skip
    study = _post(api, "studies/", {
        "title": "Pictures of the annotator's pages", "slug": OWN, "prompt_set": made["id"],
        "systems": [s["versions"][0]["id"] for s in systems], "criteria": [overall],
        "overlap": 20,
    })  # fmt: skip
    return _post(api, f"studies/{study['id']}/start/", {})


def _all(api: httpx.Client, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    following: str | None = path
    while following:
        part = api.get(following).raise_for_status().json()
        found += part["results"]
        following = part["next"]
    return found


# --- The annotator's pages ------------------------------------------------------------------


def annotator(page: Page, invite: str, shot: Shot) -> None:
    page.goto(invite)
    shot("annotator-welcome")
    page.get_by_role("button").first.click()
    shot("annotator-consent")
    page.locator("button[value=agree]").click()
    shot("annotator-instructions")
    page.locator("main a.button--primary, main button.button--primary").first.click()
    page.wait_for_selector("#judgement", state="attached")
    if page.locator(".guard:not([open]) > summary").count():
        shot("annotator-compare-announced")
        page.locator(".guard > summary").click()
    shot("annotator-compare")


# --- The dashboard's pages ------------------------------------------------------------------


def sign_in(page: Page, demo: dict[str, Any]) -> str:
    base = str(demo["api_url"]).removesuffix("api/v1/")
    page.goto(f"{base}login/")
    page.fill("[name=username]", demo["username"])
    page.fill("[name=password]", demo["password"])
    with page.expect_navigation():
        page.locator("main button").click()
    return base


def pages_of(page: Page, base: str, first: list[str]) -> dict[str, str]:
    """One address of each kind of page that a link leads to, by a name for its picture."""
    found: dict[str, str] = {}
    waiting = [*first, base]
    while waiting:
        address = waiting.pop(0)
        name = name_of(address, base)
        if not address.startswith(base) or NO_PAGE.search(urlsplit(address).path) or name in found:
            continue
        answer = page.goto(address)
        if answer is None or not answer.ok:
            print(f"{address}: {answer and answer.status}")
            continue
        found[name] = address
        waiting += page.locator("a[href]").evaluate_all("all => all.map(a => a.href)")
    return found


def name_of(address: str, base: str) -> str:
    """`studies-results` for /studies/<id>/results/?page=2; a comparison's own page is `-one`."""
    path = urlsplit(address).path.removeprefix(urlsplit(base).path)
    parts = ["one" if ID.fullmatch(part) else part for part in path.strip("/").split("/")]
    return "-".join(part for part in parts if part) or "studies"


def shots_of(context: BrowserContext, tag: str) -> tuple[Page, Shot]:
    page = context.new_page()

    def shot(name: str) -> None:
        page.wait_for_load_state("load")
        # A picture of the whole length holds what a person would have scrolled to.
        page.evaluate("document.querySelectorAll('img').forEach((i) => { i.loading = 'eager'; })")
        page.wait_for_load_state("networkidle")
        if page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        ):
            print(f"{tag} {name}: wider than the screen")
        page.screenshot(path=OUT / f"{name}-{tag}.png", full_page=True)

    return page, shot


def all_of(browser: Browser, demo: dict[str, Any], chosen: argparse.Namespace) -> None:
    own = own_study(demo)
    found: dict[str, str] = {}
    for width, scheme, locale in itertools.product(chosen.widths, chosen.schemes, chosen.locales):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, locale=locale
        )
        page, shot = shots_of(context, f"{width}-{scheme}-{locale}")
        annotator(page, own["invite"], shot)
        page.goto(f"{str(demo['api_url']).removesuffix('api/v1/')}login/")
        shot("login")
        base = sign_in(page, demo)
        # The demo's study first: where two pages are of one kind, its page is the one shown.
        study = demo["dashboard_url"]
        found = found or pages_of(page, base, [
            study, f"{study}comparisons/?show=judged", own["edit"], own["study"],
        ])  # fmt: skip
        for name, address in found.items():
            if chosen.only and not re.search(chosen.only, name):
                continue
            page.goto(address)
            shot(name)
        context.close()


# --- The README's two -----------------------------------------------------------------------


def pictures(context: BrowserContext, demo: dict[str, Any]) -> None:
    """As a person sees them: one screen, not the whole length."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page = context.new_page()
    annotator(page, own_study(demo)["invite"], lambda _name: None)
    take(page, "compare")
    sign_in(page, demo)
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--widths", type=int, nargs="*", default=[1440, 390])
    parser.add_argument("--schemes", nargs="*", default=["light", "dark"])
    parser.add_argument("--locales", nargs="*", default=["en", "ko"])
    parser.add_argument("--only", default="", help="dashboard pages whose name holds this")
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
        else:
            all_of(browser, demo, chosen)
        browser.close()
    if not chosen.readme:
        print(f"{len(list(OUT.glob('*.png')))} pictures in {OUT}")


if __name__ == "__main__":
    main()
