from django.urls import path

from billing.api.views import HoldViewSet, StatusViewSet, TransactionViewSet, UsageViewSet
from common.api import wire  # noqa: F401  (registers `uid`)

urlpatterns = [
    path(
        "usage", UsageViewSet.as_view({"get": "retrieve", "patch": "partial_update"}), name="usage"
    ),
    path("usage/check", UsageViewSet.as_view({"get": "check"}), name="usage-check"),
    path("usage/increment", UsageViewSet.as_view({"post": "increment"}), name="usage-increment"),
    path("credits", StatusViewSet.as_view({"get": "retrieve"}), name="credits"),
    path(
        "credits/statistics",
        StatusViewSet.as_view({"get": "statistics"}),
        name="credit-statistics",
    ),
    path(
        "credits/transactions",
        TransactionViewSet.as_view({"get": "list", "post": "create"}),
        name="transactions",
    ),
    path(
        "credits/transactions/batch",
        TransactionViewSet.as_view({"post": "create_batch"}),
        name="transaction-batch",
    ),
    path(
        "credits/transactions/<uid:transaction_id>/refund",
        TransactionViewSet.as_view({"post": "refund"}),
        name="transaction-refund",
    ),
    path("credits/holds", HoldViewSet.as_view({"post": "create"}), name="holds"),
    path(
        "credits/holds/<uid:hold_id>/capture",
        HoldViewSet.as_view({"post": "capture"}),
        name="hold-capture",
    ),
    path(
        "credits/holds/<uid:hold_id>/release",
        HoldViewSet.as_view({"post": "release"}),
        name="hold-release",
    ),
]
