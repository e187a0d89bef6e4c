"""The plan beside the form: what it asks for, what it will tell, what speaks against it."""

from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST

from jeoul.conduct.facts import facts_of
from jeoul.conduct.piloting import Pilot, pilot_of
from jeoul.conduct.planning import ASSUMED, Draft, estimate, prompts_needed, smaller
from jeoul.conduct.problems import warnings
from jeoul.dashboard.forms import StudyForm, initial_of
from jeoul.dashboard.page import researcher, signed_in
from jeoul.risk.models import CleanState
from jeoul.studies.models import Design, PromptSetVersion, Study, SystemVersion


@require_POST
@signed_in
def study_plan(request: HttpRequest) -> HttpResponse:
    """The plan of what is typed so far; nothing is stored."""
    form = StudyForm(request.POST, user=researcher(request))
    form.is_valid()
    return TemplateResponse(request, "dashboard/study_form.html#plan", plan_of_form(form))


def plan_of_form(form: StudyForm) -> dict[str, Any]:
    """From a bound form: fields with errors count as not filled in yet."""
    data = form.cleaned_data
    prompt_set, piloted = data.get("prompt_set"), data.get("variances")
    return _plan(
        data, prompt_set and prompt_set.latest(), list(data.get("systems") or []),
        pilot_of(piloted) if piloted else None,
    )  # fmt: skip


def plan_of_study(study: Study) -> dict[str, Any]:
    """Of a study as it is stored, with the variances of its own pilot once there are some."""
    versions = list(study.systems.select_related("system", "connection"))
    pilot = pilot_of(study) if study.frozen_at else None
    return _plan(initial_of(study), study.prompt_set_version, versions, pilot)


def _contaminated(prompts: PromptSetVersion) -> int:
    """Prompts that the newest look through a corpus found there, in part or whole."""
    newest = prompts.contamination_checks.first()
    found = [CleanState.DIRTY, CleanState.NOT_CLEAN]
    return newest.overlaps.filter(state__in=found).count() if newest else 0


def _plan(
    data: dict[str, Any],
    prompts: PromptSetVersion | None,
    versions: list[SystemVersion],
    pilot: Pilot | None,
) -> dict[str, Any]:
    """The context of the part; without prompts and two systems there is no plan yet."""
    if prompts is None or len(versions) < 2:
        return {"plan": None}
    samples = data.get("samples") or 1
    found = facts_of(prompts, versions, samples)
    currency, costs = data.get("currency") or "USD", dict(found.generation_costs)
    draft = Draft(
        prompts=found.prompts,
        systems=len(versions),
        against_baseline=data.get("design") == Design.BASELINE,
        samples=samples,
        overlap=data.get("overlap") or 1,
        seconds=found.seconds,
        pay=data.get("pay_per_judgement") or Decimal(0),
        generation_cost=costs.pop(currency, Decimal(0)),
        smallest_difference=float(data.get("difference") or 5) / 100,
        cap=data.get("worker_cap"),
        variances=pilot.variances if pilot else ASSUMED,
    )
    plan = estimate(draft)
    return {
        "plan": plan,
        "facts": found,
        "pilot": pilot,
        "smaller": smaller(draft),
        "needed": prompts_needed(draft),
        "difference": 100 * draft.smallest_difference,
        "win_rate": 0.5 + draft.smallest_difference,
        "currency": currency,
        "warnings": warnings(
            found,
            plan,
            floor=data.get("pay_floor_per_hour") or Decimal(0),
            budget=data.get("budget"),
            contaminated=_contaminated(prompts),
            other_costs=costs,
        ),
    }
