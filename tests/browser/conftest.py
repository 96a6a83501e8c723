from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page

from conversations.models import Conversation, Message
from demo.browser import chromium
from tests.conversations.recipes import MOMENT, make_conversations

PASSWORD = "correct horse battery"
LIST = "/admin/conversations/conversation/"
WIDE_TABLE = "| " + " | ".join(["a wide heading"] * 12) + " |\n" + "| - " * 12 + "|\n"


@dataclass
class Visitor:
    """Somebody at a browser. Whatever the browser complains of, or asks of others, is kept."""

    page: Page
    context: BrowserContext
    address: str
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("request", self._request)

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def _request(self, request: Any) -> None:
        if not request.url.startswith((f"{self.address}/", "data:", "blob:")):
            self.complaints.append(f"request to {request.url}")

    def open(self, path: str) -> Page:
        self.page.goto(f"{self.address}{path}", wait_until="networkidle")
        return self.page

    def scrolls_sideways(self) -> bool:
        return self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as environment:
        # Playwright's loop runs in this thread, and Django takes the thread for asynchronous.
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with chromium() as started:
            yield started


def staff(name: str, *permissions: str) -> User:
    user = User.objects.create_user(name, password=PASSWORD, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


class Door:
    """Lets visitors in; closes behind all of them, and asks what their browsers complained of."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser, self.address = browser, address
        self.visitors: list[Visitor] = []

    def __call__(self, user: User | None = None, **options: Any) -> Visitor:
        context = self.browser.new_context(**options)
        if user is not None:
            client = Client()
            client.force_login(user)
            name = settings.SESSION_COOKIE_NAME
            session = client.cookies[name].value
            context.add_cookies([{"name": name, "value": session, "url": self.address}])
        context.set_default_timeout(60_000)
        visitor = Visitor(context.new_page(), context, self.address)
        visitor.watch()
        self.visitors.append(visitor)
        return visitor


@pytest.fixture
def door(browser: Browser, live_server: Any) -> Iterator[Door]:
    """Visitors of the running server. No request may leave it, and no browser may complain."""
    door = Door(browser, live_server.url)
    yield door
    for visitor in door.visitors:
        visitor.context.close()
    assert [complaint for visitor in door.visitors for complaint in visitor.complaints] == []


@pytest.fixture
def reader(live_server: Any) -> User:
    """Staff who may read texts, and who read what."""
    return staff("dana", "view_conversation", "view_message", "view_staffreading")


@pytest.fixture
def support(live_server: Any) -> User:
    """Staff who see that there are conversations, and no text."""
    return staff("sam", "view_conversation")


@pytest.fixture
def conversation(live_server: Any) -> Conversation:
    """A council's answer with everything in it, and a question without one."""
    [conversation] = make_conversations(1, title="Heat pumps", message_count=3)
    council = {
        "stage1_data": [
            {"model": "a/one", "response": f"The *small* one.\n\n{WIDE_TABLE}"},
            {"model": "b/two", "response": "![pixel](https://evil.example/p.png) The large one."},
        ],
        "stage2_data": [
            {"model": "a/one", "ranking": "B is better.", "parsed_ranking": ["Response B", "A"]},
            {"model": "b/two", "ranking": "Mine is.", "parsed_ranking": ["Response B", "A"]},
        ],
        "stage3_data": {"model": "c/chair", "response": f"**Together.**\n\n{'x' * 500}"},
        "metadata": {"label_to_model": {"Response A": "a/one", "Response B": "b/two"}},
    }
    Message.objects.bulk_create(
        Message(conversation=conversation, person_id=conversation.person_id,
                position=position, created_at=MOMENT, role=role, search_text="large pump",
                **columns)
        for position, role, columns in (
            (1, "user", {"content": "Which pump?"}),
            (2, "assistant", council),
            (3, "user", {"content": "And now?"}),
        )
    )  # fmt: skip
    return conversation
