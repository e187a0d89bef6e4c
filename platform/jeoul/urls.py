"""Which door an address belongs to."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.http import require_safe


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Alive: the process answers. It asks no other service, so that a slow one ends nothing."""
    return HttpResponse("ok", content_type="text/plain")


handler404 = "jeoul.api.errors.not_found"
handler500 = "jeoul.api.errors.server_error"
handler400 = "jeoul.api.errors.bad_request"

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/", include("jeoul.api.urls")),
    path("", include("annotation.urls")),
    path("", include("jeoul.dashboard.urls")),
]
