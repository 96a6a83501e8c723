from django.urls import path

from operations.api.views import MonitorViewSet, ProbeViewSet

urlpatterns = [
    path("health/live", ProbeViewSet.as_view({"get": "live"}), name="health-live"),
    path("health/ready", ProbeViewSet.as_view({"get": "ready"}), name="health-ready"),
    path("health/detailed", MonitorViewSet.as_view({"get": "detailed"}), name="health-detailed"),
    path("metrics", MonitorViewSet.as_view({"get": "metrics"}), name="metrics"),
]
