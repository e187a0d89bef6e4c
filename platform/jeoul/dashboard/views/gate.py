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
from jeoul.refusals import in_words
from jeoul.results.gate_state import known_gate
from jeoul.studies.gate_actions import set_gate
from jeoul.studies.gate_rule import SLICES, default_systems
from jeoul.studies.models import Study
from jeoul.studies.prompt_sets import picture
from tasks.analyses import request_gate

_CLAIMS = [
    ("", gettext_lazy("(nothing is claimed)")),
    ("better", gettext_lazy("is better than")),
    ("not_worse", gettext_lazy("is not worse than")),
]
_TIES = [("half", gettext_lazy("as half a win")), ("apart", gettext_lazy("left out"))]
_BOTH_BAD = [("tie", gettext_lazy("like a tie")), ("left_out", gettext_lazy("left out"))]
_GRADES = [
    (0.0, gettext_lazy("any preference")),
    (2.0, gettext_lazy("“better” or more")),
    (3.0, gettext_lazy("“much better” only")),
]
_LOOKS = [
    ("protected", gettext_lazy("as often as one likes: intervals that allow for it")),
    ("fixed", gettext_lazy("once: ordinary intervals")),
]
_MOST = 20
_PLACES = [f"where_{name}" for name in SLICES]
_FIRST = ["system", "claim", "baseline", "margin", "where_risk"]
_MORE = ["criterion", "confidence", *_PLACES[1:], "ties", "both_bad", "min_grade"]
_NAMES = {"benefit": gettext_lazy("Benefit"), "risk": gettext_lazy("Risk")}
# What a gate mostly says: a better answer to what people really ask, and no more harm.
_PROPOSED = (
    {"claim": "better", "where_risk": "realistic", "margin": 0},
    {"claim": "not_worse", "where_risk": "high", "margin": 2},
)


class ConditionForm(forms.Form):
    """One condition; an empty claim leaves it out."""

    # The page says once that no field must be filled.
    says_once = True

    claim = forms.ChoiceField(choices=_CLAIMS, required=False, label=gettext_lazy("Claim"))
    system = forms.ChoiceField(label=gettext_lazy("System"), required=False)
    baseline = forms.ChoiceField(label=gettext_lazy("Compared with"), required=False)
    criterion = forms.ChoiceField(label=gettext_lazy("Criterion"), required=False)
    where_risk = forms.ChoiceField(required=False, label=gettext_lazy("On"))
    margin = forms.FloatField(
        min_value=0, max_value=50, required=False, label=gettext_lazy("By points")
    )
    confidence = forms.FloatField(
        min_value=50, max_value=99.99, initial=95, required=False,
        label=gettext_lazy("Confidence in %"),
    )  # fmt: skip
    ties = forms.ChoiceField(choices=_TIES, required=False, label=gettext_lazy("Ties count"))
    both_bad = forms.ChoiceField(
        choices=_BOTH_BAD, required=False, label=gettext_lazy("Both bad counts")
    )
    min_grade = forms.TypedChoiceField(
        choices=_GRADES, coerce=float, required=False,
        label=gettext_lazy("What is a win on a graded scale"),
    )  # fmt: skip

    where_category = forms.ChoiceField(required=False, label=gettext_lazy("Category"))
    where_language = forms.ChoiceField(required=False, label=gettext_lazy("Language"))
    where_difficulty = forms.ChoiceField(required=False, label=gettext_lazy("Difficulty"))
    where_hazard = forms.ChoiceField(required=False, label=gettext_lazy("Hazard"))

    def __init__(self, *args: Any, choices: dict[str, list[Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, known in choices.items():
            field: Any = self.fields[name]
            field.choices = known
            # What a program set may be no choice of the page: it is kept as it is.
            now = self.initial.get(name)
            if now is not None and str(now) not in {str(value) for value, _label in known}:
                field.choices = [*known, (now, now)]
        for name in _PLACES:
            if len(self.fields[name].choices) < 2:  # type: ignore[attr-defined]
                del self.fields[name]

    @property
    def first(self) -> list[forms.BoundField]:
        """What most rules say, in the order of the sentence."""
        return [self[name] for name in _FIRST if name in self.fields]

    @property
    def more(self) -> list[forms.BoundField]:
        """The slices that divide this study's prompts hold together where several are chosen."""
        return [self[name] for name in _MORE if name in self.fields]

    @property
    def places(self) -> list[forms.BoundField]:
        return [self[name] for name in _PLACES[1:] if name in self.fields]

    @property
    def says_more(self) -> bool:
        """Whether something is chosen there that the page would otherwise hide."""
        usual = {"confidence": 95.0, "ties": "half", "both_bad": "tie", "min_grade": 0.0}
        said = {n: self.initial.get(n) for n in (*_PLACES[1:], *usual)}
        return bool(self.errors) or any(v and v != usual.get(n) for n, v in said.items())

    @property
    def kind(self) -> str:
        """What it speaks for, as the page calls it; nothing where nothing is claimed."""
        if not self["claim"].value():
            return ""
        risk = "where_risk" in self.fields and self["where_risk"].value() == "high"
        return str(_NAMES["risk" if risk else "benefit"])

    def condition(self) -> dict[str, Any] | None:
        """What the rule keeps of it, or None where nothing is claimed."""
        data = self.cleaned_data
        if not data.get("claim"):
            return None
        texts = ("claim", "system", "baseline", "criterion", "ties", "both_bad")
        return {name: data[name] for name in texts if data[name]} | {
            "where": {n: v for n in SLICES if (v := data.get(f"where_{n}"))},
            "margin": round((data["margin"] or 0) / 100, 6),
            "confidence": round((data["confidence"] or 95) / 100, 6),
            "min_grade": data["min_grade"] or 0.0,
        }


_Conditions = forms.formset_factory(ConditionForm, extra=0, max_num=_MOST)


def _choices(study: Study) -> dict[str, list[Any]]:
    entries = study.entries.select_related("system_version__system")
    labels = [("", "–"), *((e.system_version.label,) * 2 for e in entries)]
    criteria = [(c.key, c.name) for c in study.criteria.order_by("-is_overall", "position")]
    return {
        "system": labels, "baseline": labels, "criterion": criteria, "min_grade": _GRADES,
        **_places(study),
    }  # fmt: skip


def _places(study: Study) -> dict[str, list[Any]]:
    """The values of each slice of the study's prompts."""
    version = study.prompt_set_version
    slices = picture(version).slices if version else {name: [] for name in SLICES}
    found: dict[str, list[Any]] = {
        f"where_{name}": [("", _("all")), *((v, v) for v in sorted(s.value for s in slices[name]))]
        for name in SLICES
    }
    called = {
        "": _("all prompts"), "realistic": _("realistic prompts"), "high": _("high-risk prompts")
    }  # fmt: skip
    found["where_risk"] = [(v, called.get(v, v)) for v, _label in found["where_risk"]]
    return found


def _initial(study: Study, choices: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """The rule, or a proposal where there is none yet, and an empty condition to add."""
    if not study.gate:
        there = {value for value, _label in choices["where_risk"]}
        labels = [label for label, _name in choices["system"][1:]]
        named = {"baseline": labels[0] if labels else ""} | default_systems(study)
        others = [label for label in labels if label != named["baseline"]]
        named = {"system": others[0] if others else ""} | named
        return [named | p for p in _PROPOSED if p["where_risk"] in there] + [{}]
    kept = ("claim", "system", "baseline", "criterion", "ties", "both_bad", "min_grade")
    known: list[dict[str, Any]] = [
        {
            **{k: c[k] for k in kept},
            **{f"where_{name}": value for name, value in c["where"].items()},
            "margin": round(100 * c["margin"], 4),
            "confidence": round(100 * c["confidence"], 4),
        }
        for c in study.gate["conditions"]
    ]
    return [*known, {}][:_MOST]


def _save(request: HttpRequest, study: Study, conditions: list[dict[str, Any]]) -> str:
    """Set the rule; what is wrong with it, in words."""
    looks = request.POST.get("looks") or (study.gate or {}).get("looks", "protected")
    try:
        changed = set_gate(
            study=study, actor=researcher(request),
            rule={"conditions": conditions, "looks": looks},
            reason=request.POST.get("reason", ""),
        )  # fmt: skip
    except InvalidInput as refused:
        return in_words(refused.message)
    if changed:
        messages.success(request, _("The gate's rule is changed."))
    return ""


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def study_gate(request: HttpRequest, study: UUID) -> HttpResponse:
    """What the gate says now, and its rule."""
    posted = request.method == "POST"
    found = open_study(request, study, May.RUN if posted else May.READ)
    choices = _choices(found)
    rows = _Conditions(
        request.POST if posted else None,
        initial=_initial(found, choices),
        form_kwargs={"choices": choices},
    )
    error = ""
    if posted and rows.is_valid():
        error = _save(request, found, [c for row in rows if (c := row.condition())])
        if not error:
            return redirect("study-gate", study=found.uuid)
    answer = known_gate(found) if found.gate else None
    if found.gate and answer is None:
        request_gate(found.pk)
    context = study_context(request, found, "results") | {
        "gate": answer,
        "waiting": bool(found.gate) and answer is None,
        "forms": rows,
        "error": error,
        "looks": request.POST.get("looks") or (found.gate or {}).get("looks", "protected"),
        "looks_choices": _LOOKS,
        "reason": request.POST.get("reason", ""),
    }
    status = 422 if posted else 200
    return page(request, "dashboard/study_gate.html", "studies", context, status=status)
