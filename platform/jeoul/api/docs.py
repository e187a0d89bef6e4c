"""The browsable page of the API: Swagger UI from the sidecar, without an inline script."""

from typing import Any

from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe


@require_safe
def page(request: HttpRequest) -> TemplateResponse:
    context: dict[str, Any] = {}
    return TemplateResponse(request, "shared/api_docs.html", context)
