"""The gate of a study: what was agreed, whether it holds, and changing the rule."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from jeoul.accounts.roles import May
from jeoul.base import InvalidInput
from jeoul.dashboard.page import open_study, page, researcher, signed_in, study_context
from jeoul.results.gate_state import gate_of
from jeoul.studies.gate_actions import set_gate
from jeoul.studies.models import Study

_WHERE = [
    ("", gettext_lazy("all prompts")),
    ("realistic", gettext_lazy("realistic prompts")),
    ("high", gettext_lazy("high-risk prompts")),
]
_CLAIMS = [
    ("", "–"),
    ("better", gettext_lazy("is better than")),
    ("not_worse", gettext_lazy("is not worse than")),
]
_SHOWN = 3


class ConditionForm(forms.Form):
    """One condition; an empty claim leaves it out."""

    claim = forms.ChoiceField(choices=_CLAIMS, required=False, label=gettext_lazy("Claim"))
    system = forms.ChoiceField(label=gettext_lazy("System"), required=False)
    baseline = forms.ChoiceField(label=gettext_lazy("Compared with"), required=False)
    criterion = forms.ChoiceField(label=gettext_lazy("Criterion"), required=False)
    risk = forms.ChoiceField(choices=_WHERE, required=False, label=gettext_lazy("On"))
    margin = forms.FloatField(
        min_value=0, max_value=50, required=False, label=gettext_lazy("Margin in points")
    )
    confidence = forms.FloatField(
        min_value=50, max_value=99.99, initial=95, required=False,
        label=gettext_lazy("Confidence in %"),
    )  # fmt: skip

    def __init__(self, *args: Any, study: Study, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        entries = study.entries.select_related("system_version__system")
        labels = [("", "–"), *((e.system_version.label,) * 2 for e in entries)]
        criteria = [(c.key, c.name) for c in study.criteria.order_by("-is_overall", "position")]
        for name, choices in (("system", labels), ("baseline", labels), ("criterion", criteria)):
            self.fields[name].choices = choices  # type: ignore[attr-defined]  # a choice field

    def condition(self) -> dict[str, Any] | None:
        """What the rule keeps of it, or None where nothing is claimed."""
        data = self.cleaned_data
        if not data.get("claim"):
            return None
        found = {k: data[k] for k in ("claim", "system", "baseline", "criterion") if data[k]}
        return found | {
            "where": {"risk": data["risk"]} if data["risk"] else {},
            "margin": round((data["margin"] or 0) / 100, 6),
            "confidence": round((data["confidence"] or 95) / 100, 6),
        }


_Conditions = forms.formset_factory(ConditionForm, extra=0, max_num=6)


def _initial(rule: dict[str, Any] | None) -> list[dict[str, Any]]:
    known: list[dict[str, Any]] = [
        {
            **{k: c[k] for k in ("claim", "system", "baseline", "criterion")},
            "risk": c["where"].get("risk", ""),
            "margin": round(100 * c["margin"], 4),
            "confidence": round(100 * c["confidence"], 4),
        }
        for c in (rule or {"conditions": []})["conditions"]
    ]
    return known + [{} for _ in range(max(1, _SHOWN - len(known)))]


def _save(request: HttpRequest, study: Study, conditions: list[dict[str, Any]]) -> str:
    """Set the rule; what is wrong with it, in words."""
    rule = {"conditions": conditions, "looks": (study.gate or {}).get("looks", "protected")}
    try:
        changed = set_gate(
            study=study, actor=researcher(request), rule=rule,
            reason=request.POST.get("reason", ""),
        )  # fmt: skip
    except InvalidInput as refused:
        return refused.message
    if changed:
        messages.success(request, _("The gate's rule is changed."))
    return ""


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def study_gate(request: HttpRequest, study: UUID) -> HttpResponse:
    """What the gate says now, and its rule."""
    posted = request.method == "POST"
    found = open_study(request, study, May.RUN if posted else May.READ)
    rows = _Conditions(
        request.POST if posted else None, initial=_initial(found.gate), form_kwargs={"study": found}
    )
    error = ""
    if posted and rows.is_valid():
        error = _save(request, found, [c for row in rows if (c := row.condition())])
        if not error:
            return redirect("study-gate", study=found.uuid)
    context = study_context(request, found, "results") | {
        "gate": gate_of(found) if found.gate else None,
        "forms": rows,
        "error": error,
        "reason": request.POST.get("reason", ""),
    }
    status = 422 if posted else 200
    return page(request, "dashboard/study_gate.html", "studies", context, status=status)
