"""Watches: whether a provider's model changed under its name."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from jeoul.dashboard.page import page, researcher, signed_in, taken
from jeoul.dashboard.system_forms import WatchForm
from jeoul.dashboard.views.systems import system_page
from jeoul.results.dressing import for_both_themes, in_words_of_the_reader
from jeoul.results.findings import finding_of_round
from jeoul.studies.access import get_system, get_watch
from jeoul.studies.models import OutputState, Watch
from jeoul.studies.watching import begin_round, outputs_of, start_watch, stop_watch


@require_POST
@signed_in
def watch_start(request: HttpRequest, system: UUID) -> HttpResponse:
    """Watch the system's newest version."""
    user = researcher(request)
    found = get_system(user, system)
    form, version = WatchForm(request.POST, user=user), found.versions.latest("number")
    if not taken(form, start_watch, owner=user, version=version):
        return system_page(request, found, form)
    watch = version.watches.get(prompts=form.cleaned_data["prompts"])
    return redirect("watch-detail", watch=watch.uuid)


@require_safe
@signed_in
def watch_detail(request: HttpRequest, watch: UUID) -> HttpResponse:
    found = get_watch(researcher(request), watch)
    system = found.system_version.system
    done = found.rounds.filter(finished_at__isnull=False).order_by("number")
    first, last = done.first(), done.last()
    context = {
        "watch": found,
        "finding": finding_of_round(last.number, last.facts, first.facts) if first and last else "",
        "open": _open_round(found),
        # In the chart's address, so that a browser does not show an older one.
        "drawn": last.number if last else 0,
        "rounds": found.rounds.order_by("-number")[:100],
        "breadcrumbs": [
            {"label": _("Systems"), "url": reverse("system-list")},
            {"label": system.name, "url": reverse("system-detail", args=[system.uuid])},
            {"label": _("Watch"), "url": ""},
        ],
    }
    return page(request, "dashboard/watch_detail.html", "systems", context)


def _open_round(watch: Watch) -> dict[str, int] | None:
    """How far the round is that is being made."""
    made = watch.rounds.filter(finished_at=None).first()
    if made is None:
        return None
    outputs = outputs_of(made)
    still = outputs.filter(state__in=(OutputState.DUE, OutputState.RUNNING)).count()
    total = outputs.count()
    return {"total": total, "ended": total - still}


@require_POST
@signed_in
def watch_stop(request: HttpRequest, watch: UUID) -> HttpResponse:
    found = get_watch(researcher(request), watch)
    stop_watch(watch=found, actor=researcher(request))
    return redirect("watch-detail", watch=found.uuid)


@require_POST
@signed_in
def watch_now(request: HttpRequest, watch: UUID) -> HttpResponse:
    """Begin a round at once; the sweep has it made."""
    found = get_watch(researcher(request), watch)
    if begin_round(watch_id=found.pk):
        messages.success(request, _("A round has begun."))
    else:
        messages.error(request, _("The last round is still being made."))
    return redirect("watch-detail", watch=found.uuid)


@require_safe
@signed_in
def watch_chart(request: HttpRequest, watch: UUID) -> HttpResponse:
    """The stored chart; web processes draw nothing."""
    found = get_watch(researcher(request), watch)
    if not found.chart:
        raise Http404("No round has ended yet.")
    drawn = for_both_themes(in_words_of_the_reader(found.chart))
    return HttpResponse(drawn, content_type="image/svg+xml; charset=utf-8")
