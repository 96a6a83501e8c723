"""The one admin site."""

from typing import Any

from django.core.paginator import InvalidPage
from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse
from unfold.sites import UnfoldAdminSite


class AdminSite(UnfoldAdminSite):
    """unfold's, whose search takes any page's number."""

    def search(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        try:
            return super().search(request, extra_context)
        except InvalidPage as error:
            raise Http404("There is no such page.") from error
