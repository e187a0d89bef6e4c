"""What scans and annotators found in a study: look, decide, and say what follows by kind."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from jeoul.accounts.roles import May
from jeoul.comparisons.standing import apply_decision, reassess, standings
from jeoul.dashboard.forms_people import DecisionForm, PolicyForm
from jeoul.dashboard.page import (
    open_study,
    page,
    paged,
    researcher,
    signed_in,
    study_context,
    taken,
)
from jeoul.risk.access import get_review_item, review_items
from jeoul.risk.actions import decide_item, note_look
from jeoul.risk.detectors.names import missing
from jeoul.risk.measured import measured, measured_rules
from jeoul.risk.models import Finding, ReportReason, ReviewItem, Source, Verdict
from jeoul.risk.scanning import RULES, prompt_text
from jeoul.risk.words import rule_name
from jeoul.studies.access import prompt_texts_hidden
from jeoul.studies.actions import amend_study, update_draft
from jeoul.studies.models import Output, RiskAction, RiskKind, Study
from jeoul.studies.models.risk_policy import actions_for, whole_policy

_KINDS = dict(RiskKind.choices) | {
    k: v for k, v in ReportReason.choices if k not in RiskKind.values
}


@require_safe
@signed_in
def review_list(request: HttpRequest, study: UUID) -> HttpResponse:
    """Everything to look at, open items first."""
    return _list_page(request, open_study(request, study))


def _list_page(
    request: HttpRequest, found: Study, refused: PolicyForm | None = None
) -> HttpResponse:
    """With ``refused``, the policy as it was chosen, and what was wrong beside it."""
    chosen = {name: request.GET.get(name, "") for name in ("verdict", "kind", "source")}
    rows = review_items(found)
    if chosen["verdict"] in Verdict.values:
        rows = rows.filter(verdict=chosen["verdict"])
    if chosen["source"] in Source.values:
        rows = rows.filter(source=chosen["source"])
    if chosen["kind"] in _KINDS:
        rows = rows.filter(kinds__contains=[chosen["kind"]])
    items = paged(request, rows.order_by("decided_at", "-id"))
    for item in items:
        item.labels = [_KINDS.get(kind, kind) for kind in item.kinds]
    context = study_context(request, found, "reports") | {
        "items": items, "chosen": chosen, "kinds": _KINDS.items(),
        "verdicts": Verdict.choices, "sources": Source.choices, "standings": standings(found),
        "open": found.review_items.filter(verdict=Verdict.OPEN).count(),
        "policy": _policy_rows(found.risk_policy | (refused.chosen if refused else {})),
        "form": refused or PolicyForm(study=found), "names_missing": missing(),
        "rules": measured_rules(),
        "listed": reverse("review-list", args=[found.uuid]),
    }  # fmt: skip
    status = 422 if refused else 200
    return page(request, "dashboard/review_list.html", "studies", context, status=status)


def _policy_rows(policy: dict[str, str]) -> list[dict[str, Any]]:
    names = dict(RiskAction.choices)
    return [
        {
            "kind": kind, "name": _KINDS[kind], "chosen": action,
            "actions": [(a, names[a]) for a in actions_for(kind)],
            "measured": measured().get(kind),
        }
        for kind, action in whole_policy(policy).items()
    ]  # fmt: skip


@require_safe
@signed_in
def review_detail(request: HttpRequest, study: UUID, item: UUID) -> HttpResponse:
    """One item with its texts and what was found in them; each look is recorded."""
    found = open_study(request, study, May.ADJUDICATE)
    row = get_review_item(found, item)
    note_look(item=row, actor=researcher(request))
    return _item_page(request, found, row, DecisionForm(item=row))


def _item_page(
    request: HttpRequest, found: Study, row: ReviewItem, form: DecisionForm
) -> HttpResponse:
    context = study_context(request, found, "reports") | {
        "item": row, "kinds": [(k, _KINDS.get(k, k), measured().get(k)) for k in row.kinds],
        "rules": _rules_found(row),
        "hidden": prompt_texts_hidden(row.prompt.prompt_set),
        "prompt_parts": _marked(prompt_text(row.prompt), row, None),
        "outputs": [
            (side, _marked(side.text, row, side)) for side in (row.output, row.other) if side
        ],
        "form": form,
    }  # fmt: skip
    context["breadcrumbs"] = [
        {"label": _("Studies"), "url": reverse("study-list")},
        {"label": found.title, "url": reverse("study-detail", args=[found.uuid])},
        {"label": _("Review"), "url": reverse("review-list", args=[found.uuid])},
        {"label": row.prompt.key, "url": ""},
    ]
    status = 422 if form.is_bound else 200
    return page(request, "dashboard/review_detail.html", "studies", context, status=status)


def _findings(item: ReviewItem, *outputs: Output | None) -> QuerySet[Finding]:
    """What stands under the present rules in these texts; None is the prompt."""
    where = Q(scan__output__in=[output for output in outputs if output])
    if None in outputs:
        where |= Q(scan__prompt=item.prompt)
    return Finding.objects.filter(where, scan__rules=RULES)


def _rules_found(item: ReviewItem) -> list[dict[str, Any]]:
    """How right the rules are that found personal data here, in texts of the prompt's language."""
    found = _findings(item, item.output, item.other, None).values_list("rule", flat=True)
    names = {rule.removesuffix("_unchecked") for rule in found}
    language = item.prompt.language[:2]
    return [r for r in measured_rules() if r["rule"] in names and r["language"] == language]


def _marked(text: str, item: ReviewItem, output: Output | None) -> list[tuple[str, str]]:
    """The text in pieces, each with the name of what was found in it, or nothing."""
    parts, at = [], 0
    for f in _findings(item, output).order_by("start", "end"):
        if f.start < at or f.end <= f.start:
            continue
        parts.append((text[at : f.start], ""))
        parts.append((text[f.start : f.end], rule_name(f.rule) or str(_KINDS[f.kind])))
        at = f.end
    return [*parts, (text[at:], "")]


@require_POST
@signed_in
def review_decide(request: HttpRequest, study: UUID, item: UUID) -> HttpResponse:
    found = open_study(request, study, May.ADJUDICATE)
    row = get_review_item(found, item)
    form, verdict = DecisionForm(request.POST, item=row), request.POST.get("verdict", "")
    if not taken(form, decide_item, item=row, verdict=verdict, actor=researcher(request)):
        return _item_page(request, found, row, form)
    row.refresh_from_db()
    apply_decision(item=row)
    messages.success(request, _("The decision is stored."))
    return redirect("review-list", study=found.uuid)


@require_POST
@signed_in
def policy_set(request: HttpRequest, study: UUID) -> HttpResponse:
    """Say what follows by kind: in a draft freely, later by an amendment with a reason."""
    found = open_study(request, study, May.RUN)
    form, said = (
        PolicyForm(request.POST, study=found),
        {"study": found, "actor": researcher(request)},
    )
    policy = {"risk_policy": form.chosen}
    if found.frozen_at:
        done = taken(form, amend_study, change=policy, **said)
        if done:
            reassess(study=found)
    else:
        done = taken(form, update_draft, settings=policy, **said)
    if not done:
        return _list_page(request, found, form)
    messages.success(request, _("Saved."))
    return redirect("review-list", study=found.uuid)
