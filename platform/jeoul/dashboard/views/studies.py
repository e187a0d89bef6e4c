"""Studies: the list, one study's overview, its plan and its state."""

from typing import Any, TypeAlias
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Sum
from django.forms import BaseFormSet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jeoul.accounts.models import User
from jeoul.accounts.roles import May, Role
from jeoul.base import DomainError, InvalidInput
from jeoul.comparisons.building import build_comparisons, retarget
from jeoul.comparisons.models import Comparison, Kind
from jeoul.comparisons.standing import reassess
from jeoul.conduct.figures import counting_takes_long
from jeoul.conduct.parts import parts_lately, parts_take_long
from jeoul.crowd import get_provider
from jeoul.dashboard.forms import (
    FIRST_CRITERION,
    AmendForm,
    CriterionForm,
    CriterionFormSet,
    InviteForm,
    MemberForm,
    StudyForm,
    criteria_of,
    initial_of,
)
from jeoul.dashboard.page import (
    asks_later,
    open_study,
    page,
    paged,
    refuse,
    researcher,
    signed_in,
    study_context,
)
from jeoul.dashboard.starts import STARTS
from jeoul.dashboard.views.planning import plan_of_form, plan_of_study
from jeoul.dashboard.views.watching import alerts_context, live_context, route_context
from jeoul.results.actions import latest_analysis
from jeoul.results.models import Analysis
from jeoul.results.words import verdict
from jeoul.studies.access import studies_for
from jeoul.studies.actions import (
    amend_study,
    create_study,
    must_be_draft,
    set_criteria,
    set_member,
    set_systems,
    update_draft,
)
from jeoul.studies.generation.actions import outputs_due
from jeoul.studies.models import Study, StudyState
from jeoul.studies.running import due_outputs, move_study, problems_before_start
from jeoul.workers.actions import get_vendor, make_invite
from jeoul.workers.models import Invite, VendorKind
from tasks.generation import enqueue

_ENQUEUED = 1000
Criteria: TypeAlias = "BaseFormSet[CriterionForm]"


@require_safe
@signed_in
def study_list(request: HttpRequest) -> HttpResponse:
    rows = (
        studies_for(researcher(request))
        .annotate(systems_n=Count("entries", distinct=True))
        .order_by("-created_at", "-pk")
    )
    found = paged(request, rows)
    counted = Comparison.objects.filter(study__in=[s.pk for s in found], kind=Kind.REAL).order_by()
    rows_of = counted.values("study").annotate(planned=Sum("target"), said=Sum("judged"))
    sums = {row["study"]: (row["planned"], row["said"]) for row in rows_of}
    for study in found:
        study.planned, study.judged = sums.get(study.pk, (0, 0))
        study.percent = round(100 * study.judged / study.planned) if study.planned else 0
    return page(request, "dashboard/study_list.html", "studies", {"studies": found})


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def study_create(request: HttpRequest) -> HttpResponse:
    user = researcher(request)
    start = STARTS.get(request.GET.get("start", ""), {})
    form = StudyForm(request.POST or None, user=user, initial=start.get("form"))
    criteria = CriterionFormSet(
        request.POST or None, initial=start.get("criteria", FIRST_CRITERION), prefix="criterion"
    )
    if _saves(request) and form.is_valid() and criteria.is_valid():
        try:
            with transaction.atomic():
                study = create_study(owner=user, title=form.cleaned_data["title"])
                _apply(form, criteria, study, request)
        except DomainError as error:
            refuse(form, error)
        else:
            return redirect("study-detail", study=study.uuid)
    return _form(request, form, criteria, None)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def study_edit(request: HttpRequest, study: UUID) -> HttpResponse:
    found = open_study(request, study, May.RUN)
    must_be_draft(found)
    form = StudyForm(request.POST or None, user=researcher(request), initial=initial_of(found))
    criteria = CriterionFormSet(
        request.POST or None, initial=criteria_of(found), prefix="criterion"
    )
    if _saves(request) and form.is_valid() and criteria.is_valid():
        try:
            with transaction.atomic():
                _apply(form, criteria, found, request)
        except DomainError as error:
            refuse(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect("study-detail", study=found.uuid)
    return _form(request, form, criteria, found)


def _saves(request: HttpRequest) -> bool:
    """Without JavaScript a second button only asks for the plan of what is typed."""
    return request.method == "POST" and "look" not in request.POST


def _form(
    request: HttpRequest, form: StudyForm, criteria: Criteria, study: Study | None
) -> HttpResponse:
    status = 422 if _saves(request) else 200
    form.is_valid()
    plan = plan_of_form(form) if form.is_bound else plan_of_study(study) if study else {}
    context = plan | {
        "form": form,
        "criteria": criteria,
        "study": study,
        "starts": [(key, start["name"]) for key, start in STARTS.items()],
        "start": request.GET.get("start", ""),
        "breadcrumbs": [
            {"label": _("Studies"), "url": reverse("study-list")},
            {"label": study.title if study else _("New study"), "url": ""},
        ],
    }
    return page(request, "dashboard/study_form.html", "studies", context, status=status)


def _apply(form: StudyForm, criteria: Criteria, study: Study, request: HttpRequest) -> None:
    """Bring a draft to what the form says, by the same actions as the API."""
    data = form.cleaned_data
    prompt_set = data["prompt_set"]
    update_draft(
        study=study,
        actor=researcher(request),
        settings=form.settings()
        | {"title": data["title"], "prompt_set_version": prompt_set and prompt_set.latest()},
    )
    set_systems(study=study, systems=list(data["systems"]), baseline=data["baseline"])
    # A row left empty is no criterion; the first one is the overall question.
    filled = [row for row in criteria if row.cleaned_data]
    set_criteria(
        study=study, criteria=[row.spec(is_overall=not at) for at, row in enumerate(filled)]
    )


@require_safe
@signed_in
def study_detail(request: HttpRequest, study: UUID) -> HttpResponse:
    """The overview; its ``?part=progress`` and ``?part=parts`` are asked for again and again."""
    return overview_page(request, open_study(request, study))


def overview_page(request: HttpRequest, study: Study, **refused: object) -> HttpResponse:
    """The overview; a form of it that was refused stands there as it was filled in."""
    analysis = latest_analysis(study)
    context = study_context(request, study, "overview")
    part, later = request.GET.get("part"), asks_later(request)
    if part != "parts":
        slow = later and counting_takes_long(study)
        context |= alerts_context(study) if slow else live_context(study, analysis)
    if part != "progress" and not (later and parts_take_long(study)):
        context["parts"] = parts_lately(study)
    if part not in {"progress", "parts"}:
        context |= _overview(study, analysis)
    status = 422 if refused else 200
    return page(request, "dashboard/study_detail.html", "studies", context | refused, status=status)


def _overview(study: Study, analysis: Analysis | None) -> dict[str, Any]:
    draft = study.state == StudyState.DRAFT
    plan = plan_of_study(study) if draft or study.pilot_prompts else {}
    return (
        plan
        | {
            "problems": problems_before_start(study) if draft else [],
            "advice": plan.get("warnings", []) if draft else [],
            "entries": study.entries.select_related("system_version__system"),
            "criteria": study.criteria.all(),
            "prompts": study.prompt_set_version,
            "verdict": analysis and verdict(analysis.results),
            "invites": [
                (invite, _link(invite))
                for invite in study.invites.exclude(
                    vendor__kind=VendorKind.IMPORTED
                ).select_related("vendor")
            ],
            "invite_form": InviteForm(),
            "amend_form": AmendForm.of(study),
            "amendments": study.amendments.select_related("by"),
            "members": study.memberships.select_related("user").order_by("pk"),
            "member_form": MemberForm(),
        }
        | route_context(study)
    )


def _link(invite: Invite) -> str:
    """What is given to workers, or to the platform that fills its ids in."""
    path = reverse("worker-join", args=[invite.token])
    return f"{settings.SITE_URL}{path}{get_provider(invite.provider).entry_query()}"


@require_POST
@signed_in
def study_move(request: HttpRequest, study: UUID) -> HttpResponse:
    """Start, pause or close."""
    found = open_study(request, study, May.RUN)
    to = request.POST.get("to", "")
    if to not in StudyState.values:
        messages.error(request, _("There is no such state."))
        return redirect("study-detail", study=found.uuid)
    move_study(study=found, to=StudyState(to), actor=researcher(request))
    if to == StudyState.RUNNING:
        prepare(found)
    elif to == StudyState.CLOSED:
        messages.success(request, _("Closed. It can be opened again."))
    return redirect("study-detail", study=found.uuid)


def prepare(study: Study) -> None:
    """What is missing made due, planned and started sooner."""
    due_outputs(study=study)
    build_comparisons(study=study)
    ids = outputs_due(limit=_ENQUEUED, study=study)
    transaction.on_commit(lambda: enqueue(ids))


@require_POST
@signed_in
def study_amend(request: HttpRequest, study: UUID) -> HttpResponse:
    found = open_study(request, study, May.RUN)
    form = AmendForm(request.POST)
    if not form.is_valid():
        return overview_page(request, found, amend_form=form)
    change = form.change(found)
    try:
        amend_study(
            study=found, actor=researcher(request), reason=form.cleaned_data["reason"],
            change=change,
        )  # fmt: skip
    except DomainError as error:
        refuse(form, error)
        return overview_page(request, found, amend_form=form)
    retarget(study=found, overlap=found.overlap)
    if "contamination" in change:
        reassess(study=found)
    messages.success(request, _("The plan was amended."))
    return redirect("study-detail", study=found.uuid)


@require_POST
@signed_in
def pilot_end(request: HttpRequest, study: UUID) -> HttpResponse:
    """Go on with all prompts, as a numbered amendment."""
    found = open_study(request, study, May.RUN)
    if found.pilot_prompts is not None:
        amend_study(
            study=found, actor=researcher(request), reason=_("The pilot is over."),
            change={"pilot_prompts": None},
        )  # fmt: skip
        prepare(found)
        messages.success(request, _("All prompts are asked from now on."))
    return redirect("study-detail", study=found.uuid)


@require_POST
@signed_in
def invite_create(request: HttpRequest, study: UUID) -> HttpResponse:
    found = open_study(request, study, May.RUN)
    form = InviteForm(request.POST)
    if not form.is_valid():
        return overview_page(request, found, invite_form=form)
    vendor = get_vendor(owner=researcher(request), name=form.cleaned_data["vendor"])
    make_invite(
        study=found,
        vendor=vendor,
        cap=form.cleaned_data["cap"],
        judgement_cap=form.cleaned_data["judgement_cap"],
        provider=form.cleaned_data["provider"] or "invite",
    )
    messages.success(request, _("The link is ready to be copied."))
    return redirect("study-detail", study=found.uuid)


@require_POST
@signed_in
def member_set(request: HttpRequest, study: UUID) -> HttpResponse:
    """Give a researcher a role on the study, or take it away."""
    found = open_study(request, study, May.OWN)
    form = MemberForm(request.POST)
    if not form.is_valid():
        return overview_page(request, found, member_form=form)
    user = User.objects.filter(username=form.cleaned_data["username"]).first()
    role = form.cleaned_data["role"]
    try:
        if user is None:
            raise InvalidInput(_("There is no researcher of this name."), field="username")
        set_member(
            study=found, actor=researcher(request), user=user, role=Role(role) if role else None
        )
    except DomainError as error:
        refuse(form, error)
        return overview_page(request, found, member_form=form)
    messages.success(request, _("Saved."))
    return redirect("study-detail", study=found.uuid)
