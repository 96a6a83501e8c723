from django.urls import path

from operations.api.privacy import PrivacyViewSet

urlpatterns = [
    path("privacy/export", PrivacyViewSet.as_view({"get": "export"}), name="privacy-export"),
    path("privacy/erase", PrivacyViewSet.as_view({"post": "erase"}), name="privacy-erase"),
]
