"""What researchers type; the rules themselves stand in the actions."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from jeoul.accounts.models import Scope, User
from jeoul.accounts.roles import Role
from jeoul.studies.access import prompt_sets_for, studies_for
from jeoul.studies.actions import CriterionSpec
from jeoul.studies.hashing import content_hash
from jeoul.studies.models import Design, LeaveOut, PromptSet, Study, SystemVersion

SCALES = [
    (2, _("2 steps: one or the other")),
    (3, _("3 steps: with tie")),
    (4, _("4 steps: with tie and both bad")),
    (5, _("5 steps: graded")),
    (7, _("7 steps: graded")),
]


class LineList(forms.CharField):
    """One item per line."""

    widget = forms.Textarea(attrs={"rows": 3})

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in (value or "").splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        # A list is compared with a list: else an untouched empty field would count as filled in.
        return bool(self.to_python(initial) != self.to_python(data))


class StudyForm(forms.Form):
    """A study's plan on one page."""

    title = forms.CharField(max_length=200, label=_("Title"))
    question = forms.CharField(
        max_length=500,
        required=False,
        label=_("What do you want to know?"),
        help_text=_("For example: is version 2 better than version 1, and is it as safe?"),
    )
    prompt_set = forms.ModelChoiceField(
        PromptSet.objects.none(), to_field_name="uuid", label=_("Prompt set"), required=False
    )
    systems = forms.ModelMultipleChoiceField(
        SystemVersion.objects.none(),
        to_field_name="uuid",
        label=_("Systems"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    design = forms.ChoiceField(choices=Design.choices, label=_("Design"))
    baseline = forms.ModelChoiceField(
        SystemVersion.objects.none(), to_field_name="uuid", label=_("Baseline"), required=False
    )
    overlap = forms.IntegerField(
        min_value=1,
        max_value=1000,
        initial=3,
        label=_("Judgements per comparison"),
        help_text=_("Three or more show how far people agree."),
    )
    samples = forms.IntegerField(
        min_value=1, max_value=100, initial=1, label=_("Answers per system and prompt")
    )
    instructions = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 6}),
        required=False,
        label=_("Instructions"),
        help_text=_("Markdown. Annotators read them before the first comparison."),
    )
    consent_text = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        required=False,
        label=_("Consent"),
        help_text=_("Markdown. Left empty, a plain text that is true for every study is shown."),
    )
    content_warning = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 2}), required=False, label=_("Content warning")
    )
    worker_cap = forms.IntegerField(
        min_value=1,
        max_value=2**31 - 1,
        required=False,
        label=_("Most comparisons per worker"),
    )
    judgement_cap = forms.IntegerField(
        min_value=1,
        max_value=2**31 - 1,
        required=False,
        label=_("Most judgements altogether"),
        help_text=_("Left empty, all that are planned."),
    )
    pay_per_judgement = forms.DecimalField(
        max_digits=10, decimal_places=4, min_value=0, initial=0, label=_("Pay per judgement")
    )
    currency = forms.RegexField(r"^[A-Z]{3}$", initial="USD", label=_("Currency"))
    pay_floor_per_hour = forms.DecimalField(
        max_digits=10, decimal_places=2, min_value=0, required=False,
        label=_("Floor of pay per hour"),
        help_text=_("Held against the median of what people really earn."),
    )  # fmt: skip
    budget = forms.DecimalField(
        max_digits=12, decimal_places=2, min_value=0, required=False, label=_("Budget")
    )
    two_people = forms.BooleanField(
        required=False, label=_("Payments need two people"),
        help_text=_("Another owner than the one who approved it says that money was sent."),
    )  # fmt: skip
    generation_cap = forms.DecimalField(
        max_digits=12, decimal_places=4, min_value=0, required=False,
        label=_("Most that generation may cost"),
        help_text=_("No provider is asked beyond this sum, in the connections' currency."),
    )  # fmt: skip
    contamination = forms.ChoiceField(
        choices=LeaveOut.choices, initial=LeaveOut.NOTHING, required=False,
        label=_("Prompts found in training data"),
        help_text=_("By the checks on the prompt set's page; the results say what is left out."),
    )  # fmt: skip
    difference = forms.DecimalField(
        max_digits=4, decimal_places=1, min_value=Decimal("0.5"), max_value=45, initial=5,
        required=False,
        label=_("Smallest difference that matters, in points"),
        help_text=_("5 means: a win rate of 55 % instead of 50 % would change your decision."),
    )  # fmt: skip
    variances = forms.ModelChoiceField(
        Study.objects.none(), to_field_name="uuid", required=False,
        label=_("Plan with the variances of"), empty_label=_("none: assumed ones"),
        help_text=_("An earlier study or pilot of yours with judgements; only for the estimate."),
    )  # fmt: skip
    pilot = forms.BooleanField(
        required=False,
        label=_("Start with a pilot"),
        help_text=_("Only so many prompts at first; you go on with all of them by one press."),
    )
    pilot_prompts = forms.IntegerField(
        min_value=2,
        max_value=2**31 - 1,
        initial=10,
        required=False,
        label=_("Prompts in the pilot"),
    )

    GROUPS = (
        (_("What is compared"), ("title", "question", "prompt_set", "systems", "design", "baseline",
                                 "samples", "contamination")),
        (_("How sure, for how much"), ("overlap", "difference", "pay_per_judgement", "currency",
                                       "pay_floor_per_hour", "budget", "generation_cap",
                                       "two_people", "worker_cap", "judgement_cap",
                                       "variances", "pilot", "pilot_prompts")),
        (_("What annotators read"), ("instructions", "consent_text", "content_warning")),
    )  # fmt: skip

    def groups(self) -> list[tuple[Any, list[forms.BoundField]]]:
        """The fields in the order of the page, under their headings."""
        return [(title, [self[name] for name in names]) for title, names in self.GROUPS]

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions = SystemVersion.objects.filter(system__owner=user).select_related("system")
        self.fields["prompt_set"].queryset = prompt_sets_for(user)  # type: ignore[attr-defined]  # a model choice
        self.fields["prompt_set"].label_from_instance = lambda s: s.name  # type: ignore[attr-defined]
        judged = studies_for(user).filter(enrolments__submitted__gt=1).distinct()
        self.fields["variances"].queryset = judged.order_by("-created_at")  # type: ignore[attr-defined]
        self.fields["variances"].label_from_instance = lambda s: s.title  # type: ignore[attr-defined]
        for name in ("systems", "baseline"):
            field = self.fields[name]
            field.queryset = versions  # type: ignore[attr-defined]  # a model choice
            field.label_from_instance = lambda v: v.label  # type: ignore[attr-defined]

    def settings(self) -> dict[str, Any]:
        """The study's own settings among the fields."""
        names = (
            "question", "design", "overlap", "samples", "instructions", "consent_text",
            "content_warning", "worker_cap", "judgement_cap", "pay_per_judgement", "currency",
            "two_people", "budget", "generation_cap",
        )  # fmt: skip
        data = self.cleaned_data
        return {name: data[name] for name in names} | {
            "contamination": data["contamination"] or LeaveOut.NOTHING.value,
            "pay_floor_per_hour": data["pay_floor_per_hour"] or Decimal(0),
            "smallest_difference": float(data["difference"] or 5) / 100,
            "pilot_prompts": (data["pilot_prompts"] or 10) if data["pilot"] else None,
        }


class CriterionForm(forms.Form):
    """One question to annotators; the first of a study is the overall one."""

    name = forms.CharField(max_length=100, label=_("Criterion"))
    question = forms.CharField(max_length=300, label=_("Question to annotators"))
    definition = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 2}), required=False, label=_("What “better” means")
    )
    # A text, as it is posted: else an untouched further question would count as filled in.
    scale = forms.TypedChoiceField(choices=SCALES, coerce=int, initial="4", label=_("Scale"))
    chips = LineList(required=False, label=_("Reasons to tick, one per line"))

    def spec(self, *, is_overall: bool) -> CriterionSpec:
        data = self.cleaned_data
        key = "overall" if is_overall else slugify(data["name"])[:40] or content_hash(data)[:8]
        return CriterionSpec(key=key, is_overall=is_overall, **data)


CriterionFormSet = forms.formset_factory(
    CriterionForm, extra=2, min_num=1, validate_min=True, max_num=6
)
FIRST_CRITERION: list[dict[str, Any]] = [
    {"name": "Overall", "question": "Which answer is better overall?", "scale": 4}
]


def criteria_of(study: Study) -> list[dict[str, Any]]:
    """A draft's criteria as the forms that made them."""
    return [
        {
            "name": c.name,
            "question": c.question,
            "definition": c.definition,
            "scale": c.scale,
            "chips": "\n".join(c.chips),
        }
        for c in study.criteria.order_by("-is_overall", "position")
    ]


def initial_of(study: Study) -> dict[str, Any]:
    """A draft as the form that made it."""
    baseline = study.entries.filter(is_baseline=True).select_related("system_version").first()
    return {
        "title": study.title,
        "question": study.question,
        "prompt_set": study.prompt_set_version and study.prompt_set_version.prompt_set.uuid,
        "systems": [e.system_version.uuid for e in study.entries.select_related("system_version")],
        "baseline": baseline and baseline.system_version.uuid,
        "design": study.design,
        "overlap": study.overlap,
        "samples": study.samples,
        "instructions": study.instructions,
        "consent_text": study.consent_text,
        "content_warning": study.content_warning,
        "worker_cap": study.worker_cap,
        "judgement_cap": study.judgement_cap,
        "pay_per_judgement": study.pay_per_judgement,
        "currency": study.currency,
        "pay_floor_per_hour": study.pay_floor_per_hour,
        "two_people": study.two_people,
        "budget": study.budget,
        "generation_cap": study.generation_cap and study.generation_cap.normalize(),
        "contamination": study.contamination,
        "difference": round(100 * study.smallest_difference, 1),
        "pilot": study.pilot_prompts is not None,
        "pilot_prompts": study.pilot_prompts or 10,
    }


class AmendForm(forms.Form):
    overlap = forms.IntegerField(min_value=1, max_value=1000, label=_("Judgements per comparison"))
    budget = forms.DecimalField(
        max_digits=12, decimal_places=2, min_value=0, required=False, label=_("Budget")
    )
    judgement_cap = forms.IntegerField(
        min_value=1,
        max_value=2**31 - 1,
        required=False,
        label=_("Most judgements altogether"),
    )
    generation_cap = forms.DecimalField(
        max_digits=12, decimal_places=4, min_value=0, required=False,
        label=_("Most that generation may cost"),
    )  # fmt: skip
    contamination = forms.ChoiceField(
        choices=LeaveOut.choices, required=False, label=_("Prompts found in training data")
    )
    reason = forms.CharField(max_length=1000, label=_("Reason"))

    NAMES = ("overlap", "budget", "judgement_cap", "generation_cap", "contamination")

    @classmethod
    def of(cls, study: Study) -> "AmendForm":
        """With what holds now."""
        cap = study.generation_cap
        now = {name: getattr(study, name) for name in cls.NAMES}
        return cls(initial=now | {"generation_cap": cap and cap.normalize()})

    def change(self, study: Study) -> dict[str, Any]:
        """What is asked for and is not so already."""
        asked = {name: self.cleaned_data[name] for name in self.NAMES}
        asked["contamination"] = asked["contamination"] or study.contamination
        return {name: value for name, value in asked.items() if value != getattr(study, name)}


class AlertRouteForm(forms.Form):
    """Where a study's alerts go."""

    emails = LineList(
        required=False,
        label=_("Mail addresses, one per line"),
        help_text=_("Without any, the owners' own addresses are used."),
    )
    webhook_url = forms.URLField(
        max_length=500, required=False, assume_scheme="https", label=_("Webhook"),
        help_text=_("Gets each alert as JSON by POST, signed in X-Jeoul-Signature."),
    )  # fmt: skip

    def clean_emails(self) -> list[str]:
        for address in self.cleaned_data["emails"]:
            validate_email(address)
        return list(self.cleaned_data["emails"])


class InviteForm(forms.Form):
    vendor = forms.CharField(max_length=100, initial="In-house", label=_("Where they come from"))
    provider = forms.ChoiceField(
        choices=[
            ("invite", _("A link that you send yourself")),
            ("prolific", "Prolific"),
            ("connect", "CloudResearch Connect"),
            ("redirect", _("Another platform: ?worker=…&session=…")),
        ],
        required=False,
        label=_("Whose links it reads"),
    )
    cap = forms.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, label=_("Most workers")
    )
    judgement_cap = forms.IntegerField(
        min_value=1,
        max_value=2**31 - 1,
        required=False,
        label=_("Most judgements"),
        help_text=_("By all links of these workers together; left empty, as it is for them now."),
    )


class MemberForm(forms.Form):
    username = forms.CharField(max_length=150, label=_("User name"))
    role = forms.ChoiceField(choices=[*Role.choices, ("", _("no role"))], required=False,
                             label=_("Role"))  # fmt: skip


class TokenForm(forms.Form):
    name = forms.CharField(max_length=100, label=_("Name"))
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices,
        initial=[Scope.READ, Scope.EXPORT],
        widget=forms.CheckboxSelectMultiple,
        label=_("What it may do"),
        help_text=_("Never more than your role on a study allows."),
    )
    days = forms.TypedChoiceField(
        choices=[
            (30, _("in 30 days")), (90, _("in 90 days")), (365, _("in a year")), ("", _("never")),
        ],
        coerce=int,
        empty_value=None,
        required=False,
        initial=90,
        label=_("Expires"),
    )  # fmt: skip

    def token(self) -> dict[str, Any]:
        """What make_token takes."""
        days = self.cleaned_data["days"]
        return {
            "name": self.cleaned_data["name"],
            "scopes": self.cleaned_data["scopes"],
            "expires_at": timezone.now() + timedelta(days=days) if days else None,
        }
