"""Tests the docs in a browser: the search of the guide, the offline API page, and the sandbox's API page with a login
and a logout.

Arguments: the browser, the guide, the offline page, and a file for a picture of the sandbox's page.
"""

import json
import os
import sys
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

BASE_URL = os.environ["THINGSPACE_BASE_URL"]
ORIGIN = BASE_URL.removesuffix("/api")

# Only the sandbox is reachable, and the browser uses no proxy.
UNREACHABLE = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--no-proxy-server"]

# Counters after one login and one logout with one access token.
ONE_SESSION = {
    "requests": 3,
    "token_requests": 1,
    "access_tokens": 1,
    "gateway_faults": 0,
    "logins_attempted": 1,
    "logins_succeeded": 1,
    "logins_failed": 0,
    "logouts": 1,
}

# In milliseconds; a busy machine is slow.
expect.set_options(timeout=30_000)

LOGIN = "startConnectivityManagementSession"
LOGOUT = "endConnectivityManagementSession"


class Watched:
    """A page with its requests and its complaints."""

    def __init__(self, browser: Browser, url: str):
        self.requests, self.complaints = [], []
        self.page = browser.new_page(viewport={"width": 1200, "height": 1400})
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.hear("error", str(error)))
        # The browser reports a violation of the page's policy as an "error".
        self.page.on("console", lambda message: self.hear(message.type, message.text))
        self.page.goto(url)
        expect(self.page.locator(".opblock")).to_have_count(3)

    def hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)
            # The log then has the probable cause of a later failure.
            print(f"the page complains: {text}", flush=True)


def check(what: str, found, wanted) -> None:
    if found != wanted:
        sys.exit(f"{what}: {found} instead of {wanted}")


def operation(page: Page, name: str) -> Locator:
    """An operation, unfolded."""
    block = page.locator(f"#operations-Session_Management-{name}")
    block.locator(".opblock-summary-control").click()
    return block


def search(browser: Browser, url: str) -> None:
    """Finds a page of the guide by a word, without the network."""
    page, requests = browser.new_page(), []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(url)
    page.locator("#mdbook-search-toggle").click()
    page.locator("#mdbook-searchbar").press_sequentially("superseded")
    page.locator("#mdbook-searchresults").get_by_role("link", name="Passwords").first.click()
    expect(page.locator("main h1")).to_have_text("Passwords")
    check("the guide made external requests", [url for url in requests if not url.startswith(("file:", "data:"))], [])
    page.close()


def check_on_a_telephone(page: Page) -> None:
    """Nothing is wider than a telephone, and no column is too narrow for words."""
    page.set_viewport_size({"width": 390, "height": 844})
    check("width of the page", page.evaluate("document.documentElement.scrollWidth"), 390)
    for text in page.locator(".opblock-tag small, .opblock-description, tbody .response-col_description").all():
        width = text.bounding_box()["width"]
        check(f"a text is wide enough with {width} pixels", width > 250, True)


def read(browser: Browser, url: str) -> None:
    """Opens every part of the offline page; it must make no request."""
    watched = Watched(browser, url)
    login = operation(watched.page, LOGIN)
    expect(login.get_by_text("Five failed logins in a row lock the account.")).to_be_visible()
    expect(login.get_by_text("only if the platform has not processed it")).to_be_visible()
    expect(login.get_by_role("button", name="Try it out")).to_have_count(0)
    login.get_by_role("button", name="authorization button").click()
    dialog = watched.page.locator(".modal-ux")
    expect(dialog.get_by_text("https://thingspace.verizon.com/api/ts/v1/oauth2/token")).to_be_visible()
    expect(dialog.locator("input:visible, button.authorize:visible")).to_have_count(0)
    dialog.get_by_role("button", name="Close").first.click()
    check_on_a_telephone(watched.page)
    check("the offline page made requests", watched.requests, [url])
    check("the offline page complained", watched.complaints, [])
    watched.page.close()


def authorize(page: Page, scheme: str, value: str | None = None) -> None:
    """Submits the form for one kind of token; fills in `value` if given."""
    page.locator(".scheme-container").get_by_role("button", name="Authorize").click()
    form = page.locator(".modal-ux .auth-container").filter(has_text=scheme)
    if value is not None:
        form.get_by_role("textbox").fill(value)
    form.locator("button.authorize").click()
    expect(form.get_by_role("button", name="Remove authorization")).to_be_visible()
    form.get_by_role("button", name="Close").click()


def execute(page: Page, name: str) -> dict:
    """Executes an operation with the page's example values, and returns the body of the response."""
    block = operation(page, name)
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table tr.response")
    expect(answer.locator(".response-col_status")).to_have_text("200")
    return json.loads(answer.locator(".highlight-code code").first.inner_text())


def run_a_session(browser: Browser, picture: str) -> None:
    """Gets an access token, logs in and logs out on the page of the sandbox."""
    watched = Watched(browser, ORIGIN + "/docs")
    page = watched.page
    authorize(page, "clientCredentials")
    token = execute(page, LOGIN)["sessionToken"]
    page.screenshot(path=picture, full_page=True)
    authorize(page, "VZ-M2M-Token", token)
    check("the ended session", execute(page, LOGOUT), {"sessionToken": token})

    elsewhere = [url for url in watched.requests if not url.startswith(ORIGIN + "/")]
    check("the page of the sandbox made external requests", elsewhere, [])
    check("the page of the sandbox complained", watched.complaints, [])
    counters = page.request.get(ORIGIN + "/_sandbox/counters").json()
    check("the sandbox counted", {name: counters[name] for name in ONE_SESSION}, ONE_SESSION)


def main() -> None:
    chromium, guide, reading, picture = sys.argv[1:]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=UNREACHABLE)
        search(browser, Path(guide).as_uri())
        read(browser, Path(reading).as_uri())
        run_a_session(browser, picture)
        browser.close()


main()
