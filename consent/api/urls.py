from django.urls import path

from consent.api.views import ConsentViewSet, PersonsViewSet, PolicyViewSet

urlpatterns = [
    path("consent", ConsentViewSet.as_view({"get": "retrieve", "put": "update"}), name="consent"),
    path("consent/history", ConsentViewSet.as_view({"get": "history"}), name="consent-history"),
    path("consent/as-of", ConsentViewSet.as_view({"get": "as_of"}), name="consent-as-of"),
    path("consent/query", PersonsViewSet.as_view({"post": "query"}), name="consent-query"),
    path("consent/policies", PolicyViewSet.as_view({"get": "list"}), name="consent-policies"),
    path(
        "consent/<slug:purpose>",
        ConsentViewSet.as_view({"put": "give", "delete": "withdraw"}),
        name="consent-purpose",
    ),
]
