"""Who did what to the study, and when."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from jeoul.accounts.models import AuditEvent
from jeoul.accounts.roles import May
from jeoul.dashboard.page import open_study, page, paged, signed_in, study_context


@require_safe
@signed_in
def study_audit(request: HttpRequest, study: UUID) -> HttpResponse:
    """The audit record, newest first, for whoever may export it."""
    found = open_study(request, study, May.EXPORT)
    rows = AuditEvent.objects.filter(study_uuid=found.uuid)
    context = study_context(request, found, "results") | {"events": paged(request, rows)}
    return page(request, "dashboard/study_audit.html", "studies", context)
