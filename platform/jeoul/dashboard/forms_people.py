"""What researchers type about a worker, their pay, a dispute or a text under review."""

from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from jeoul.risk.models import ReviewItem, Violating
from jeoul.studies.models import RiskKind, Study

VERDICTS: Final = (
    ("0", _("First wins")),
    ("1", _("Second wins")),
    ("2", _("Tie")),
    ("3", _("Both bad")),
)


class ReasonForm(forms.Form):
    """Why; what is decided is said by the button."""

    reason = forms.CharField(max_length=1000, label=_("Reason"))


class DecisionForm(ReasonForm):
    """Why a text is shown or left out; of two answers also which does the harm."""

    violating = forms.ChoiceField(
        required=False, widget=forms.RadioSelect,
        label=_("Which answer does the harm, if they are left out"),
    )  # fmt: skip

    def __init__(self, *args: Any, item: ReviewItem, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = {
            Violating.FIRST: item.output and item.output.system_version.label,
            Violating.SECOND: item.other and item.other.system_version.label,
        }
        if item.asks_which:
            choices = [
                (value, names.get(Violating(value), said)) for value, said in Violating.choices
            ]
            self.fields["violating"].choices = choices  # type: ignore[attr-defined]
        else:
            del self.fields["violating"]


class PolicyForm(ReasonForm):
    """What follows by kind, chosen in a table; a frozen plan asks why it is changed."""

    def __init__(self, *args: Any, study: Study, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not study.frozen_at:
            del self.fields["reason"]

    @property
    def chosen(self) -> dict[str, str]:
        return {kind: self.data[kind] for kind in RiskKind.values if kind in self.data}


class StandingForm(forms.Form):
    """Why a worker is paused or their work ended; none is needed to let them work again."""

    reason = forms.CharField(max_length=500, required=False, label=_("Reason"))


class StepForm(forms.Form):
    """What is to be remembered of a step of a vendor's money; the button says which step."""

    note = forms.CharField(max_length=300, required=False, label=_("Note"))


class NoteForm(forms.Form):
    """What was said to a worker, by them, or in answer."""

    kind = forms.ChoiceField(
        label=_("What it is"),
        choices=[
            ("message", _("Message to the worker")),
            ("contest", _("The worker contests")),
            ("answer", _("Answer to the contest")),
        ],
    )
    text = forms.CharField(
        max_length=2000, label=_("What was said"), widget=forms.Textarea(attrs={"rows": 4})
    )


class AdjudicationForm(forms.Form):
    """What a reviewer holds right."""

    outcome = forms.ChoiceField(
        label=_("What is right"),
        choices=VERDICTS,
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        max_length=2000, required=False, label=_("Note"),
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip
