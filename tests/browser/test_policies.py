"""Pages under their Content-Security-Policy: they work, and the browser complains of nothing."""

import pytest

from tests.browser.conftest import PASSWORD, Door, staff

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_page_of_the_api_shows_every_route(door: Door) -> None:
    page = door().open("/api/v1/docs")

    page.wait_for_selector(".opblock")
    page.locator(".opblock-summary").first.click()
    page.wait_for_selector(".opblock-body")

    assert page.locator(".opblock").count() > 20


def test_staff_log_in(door: Door) -> None:
    staff("eve")
    page = door().open("/admin/")

    page.fill("input[name=username]", "eve")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")

    assert page.locator("text=Log out").count() or page.locator("nav").count()


def test_a_page_of_another_origin_is_shown_nothing_in_a_frame(door: Door) -> None:
    visitor = door()
    answer = visitor.page.request.get(f"{visitor.address}/admin/login/")

    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-frame-options"] == "DENY"
