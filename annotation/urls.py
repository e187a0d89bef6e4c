"""Addresses of the annotator; the token in them is the session."""

from django.urls import path

from annotation import preview, standing, views, way

_W = "w/<str:token>/"
_ITEM = f"{_W}<uuid:assignment>/"

urlpatterns = [
    path("studies/preview/", preview.preview, name="study-preview"),
    path("join/<str:invite>/", way.join, name="worker-join"),
    path(_W, way.home, name="worker-home"),
    path(f"{_W}consent/", way.consent, name="worker-consent"),
    path(f"{_W}instructions/", way.instructions, name="worker-instructions"),
    path(f"{_W}compare/", views.compare, name="worker-compare"),
    path(f"{_W}leave/", way.leave, name="worker-leave"),
    path(f"{_W}undo/", views.undo, name="worker-undo"),
    path(f"{_W}standing/", standing.standing, name="worker-standing"),
    path(f"{_ITEM}submit/", views.submit, name="worker-submit"),
    path(f"{_ITEM}skip/", views.skip, name="worker-skip"),
    path(f"{_ITEM}decline/", views.decline, name="worker-decline"),
    path(f"{_ITEM}report/", views.report, name="worker-report"),
    path(f"{_ITEM}draft/", views.draft, name="worker-draft"),
    path(f"{_ITEM}heartbeat/", views.heartbeat, name="worker-heartbeat"),
]
