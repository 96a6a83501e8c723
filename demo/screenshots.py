"""The pictures of the documents, made anew from the sample data: `python -m demo.screenshots`.

Works on a database of its own, in a folder that is thrown away, and serves it on a free port.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
SAMPLE = ROOT / "demo" / "data"
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 780}
CONVERSATION = "Heat pump"


def main() -> None:
    os.chdir(ROOT)
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    # The server must know the parent's sessions.
    os.environ.setdefault("SECRET_KEY", "for-screenshots-only")
    with tempfile.TemporaryDirectory(prefix="steward-screenshots-") as folder:
        os.environ["DATABASE_URL"] = f"sqlite:///{folder}/screenshots.sqlite3"
        import django

        django.setup()
        cookie, conversation = prepare()
        account = make_account()
        consent = consent_pages()
        IMAGES.mkdir(parents=True, exist_ok=True)
        with serving() as address:
            take_all(address, cookie, conversation, account, consent)
    for image in sorted(IMAGES.glob("*.png")):
        print(f"{image.relative_to(ROOT)}: {image.stat().st_size // 1000} kB")


def prepare() -> tuple[dict[str, str], int]:
    """The sample conversations and an administrator; her session, and which one to show."""
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client

    from conversations.models import Conversation
    from demo.consents import make_consents

    call_command("migrate", verbosity=0)
    make_consents()
    call_command("import_json", str(SAMPLE), "--user-id", "mei.tanaka")
    client = Client()
    client.force_login(User.objects.create_superuser("dana"))
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session}
    return cookie, Conversation.objects.get(title__startswith=CONVERSATION).pk


def make_account() -> int:
    """A person who uses and buys credits, and was given some back; which account it is."""
    import datetime

    from django.utils import timezone

    from billing.models import CreditAccount
    from billing.services import accounts, credits, holds, usage
    from common.idempotency import RequestKey

    now, person, hour = timezone.now(), "amara.okafor", datetime.timedelta(hours=1)
    keyless = RequestKey(None, "")

    def add(kind: str, amount: int, hours_ago: int, description: str, actor: str) -> Any:
        new = credits.NewTransaction(type=kind, amount=amount, description=description)
        at = now - hours_ago * hour
        return credits.add_transaction(
            user_id=person, new=new, actor=actor, at=at, request_key=keyless
        ).row

    accounts.open_account(user_id=person, tier=None, at=now - 20 * hour)
    add("deduct", -6, 19, "Heat pump: 6 kW or 11 kW?", "key:web")
    add("purchase", 1_200, 18, "Order 2026-1183", "key:shop")
    accounts.change_usage(user_id=person, changes={"tier": "pro"}, reason="Order 2026-1183",
                          actor="key:shop", at=now - 18 * hour)  # fmt: skip
    for hours_ago, amount in ((9, 42), (7, 38), (5, 61)):
        charge = add("deduct", -amount, hours_ago, "A council of four models", "key:web")
    credits.refund_transaction(
        user_id=person, transaction_uid=charge.uid, amount=15, actor="staff:dana",
        description="One of four models failed, ticket 4417", at=now - 4 * hour,
        request_key=keyless,
    )  # fmt: skip
    accounts.change_usage(user_id=person, changes={"daily_limit": 150}, actor="staff:dana",
                          reason="Moves house, ticket 4402", at=now - 2 * hour)  # fmt: skip
    usage.increment_usage(user_id=person, amount=123, actor="key:web", at=now)
    holds.place_hold(
        user_id=person, amount=40, ttl_seconds=900, description="A council of four models",
        actor="key:web", at=now, request_key=keyless,
    )  # fmt: skip
    return CreditAccount.objects.get(person__user_id=person).pk


@contextmanager
def serving() -> Iterator[str]:
    """Our web server on a free port."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi"]
    environment = os.environ | {"BIND": f"127.0.0.1:{port}", "LOG_LEVEL": "WARNING"}
    server = subprocess.Popen(command, env=environment)
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def wait_for(port: int) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with closing(socket.socket()) as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("The server did not start within 30 seconds.")


def consent_pages() -> tuple[str, str]:
    """The pages of the person who changed her mind, and of a text that replaced another."""
    from django.urls import reverse

    from consent.models import ConsentChain, PolicyVersion

    person = ConsentChain.objects.for_user("amara.okafor").get()
    text = PolicyVersion.objects.get(version=2)
    return (
        reverse("admin:consent_consentchain_change", args=[person.pk]),
        reverse("admin:consent_policyversion_change", args=[text.pk]),
    )


def take_all(
    address: str,
    cookie: dict[str, str],
    conversation: int,
    account: int,
    consent: tuple[str, str],
) -> None:
    from demo.browser import chromium

    conversations = f"{address}/admin/conversations/conversation/"
    page_of_one = f"{conversations}{conversation}/change/"
    with chromium() as browser:

        def take(name: str, url: str, tab: str = "", scroll_to: str = "", **options: Any) -> None:
            context = browser.new_context(
                **{"viewport": DESKTOP, "color_scheme": "light"} | options
            )
            context.add_cookies([{**cookie, "url": address}])
            page = context.new_page()
            page.goto(url, wait_until="networkidle")
            if tab:
                page.locator(f"#message-2 label[for={tab}-2]").click()
            if scroll_to:
                page.locator(scroll_to).evaluate("it => it.scrollIntoView()")
            page.evaluate("document.fonts.ready")
            page.mouse.move(0, 0)
            page.wait_for_timeout(300)  # the theme fades in
            page.screenshot(path=IMAGES / f"{name}.png")
            context.close()

        take("list", conversations)
        take("transcript", page_of_one)
        take("rankings", page_of_one, tab="rankings", scroll_to="#message-2")
        take("answers", page_of_one, tab="answers", scroll_to="#message-2")
        take("transcript-dark", page_of_one, tab="rankings", scroll_to="#message-2",
             color_scheme="dark")  # fmt: skip
        take("transcript-phone", page_of_one, tab="rankings", scroll_to="#message-2",
             viewport=PHONE)  # fmt: skip
        take("readings", f"{address}/admin/access/staffreading/")
        take("account", f"{address}/admin/billing/creditaccount/{account}/change/",
             viewport={"width": 1280, "height": 1180})  # fmt: skip
        person, text = consent
        take("consent-person", f"{address}{person}", viewport={"width": 1280, "height": 1180})
        take("consent-text", f"{address}{text}", viewport={"width": 1280, "height": 1000})
        take("consent-statistics", f"{address}/admin/consent/consentevent/statistics/?days=90")


if __name__ == "__main__":
    main()
