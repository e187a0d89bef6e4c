"""What researchers type about the way of their annotators."""

from pathlib import Path
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jeoul.comparisons.known_items import KINDS
from jeoul.crowd.base import OUTCOMES
from jeoul.studies.models import Study
from jeoul.workers.completion import Home
from jeoul.workers.models import Stage, Vendor, VendorKind


def _text(rows: int, label: Any, help_text: Any = "") -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows})
    return forms.CharField(widget=widget, required=False, label=label, help_text=help_text)


class WayForm(forms.Form):
    """Settings of a draft that concern the annotator alone."""

    contact = forms.CharField(
        max_length=200, required=False, label=_("Whom annotators may write to"),
        help_text=_("Shown at the foot of every page."),
    )  # fmt: skip
    ethics_reference = forms.CharField(max_length=200, required=False, label=_("Ethics approval"))
    help_text = _text(2, _("Where they find help after hard texts"))
    blur = forms.BooleanField(required=False, label=_("Blur announced texts until asked for"))
    nudges = forms.BooleanField(
        required=False, label=_("A gentle word after answers faster than the texts can be read")
    )
    break_every = forms.IntegerField(
        min_value=1, max_value=10_000, required=False, label=_("Propose a break after")
    )
    qualification_items = forms.IntegerField(
        min_value=0, max_value=100, label=_("Trial comparisons"),
        help_text=_("0 lets everybody work at once."),
    )  # fmt: skip
    qualification_pass = forms.FloatField(
        min_value=0.01, max_value=1, label=_("Pass mark"),
        help_text=_("The share of the trial that must be right, such as 0.75."),
    )  # fmt: skip
    qualification_tries = forms.IntegerField(min_value=1, max_value=20, label=_("Tries"))
    gold_share = forms.FloatField(min_value=0, max_value=1, label=_("Share of hidden checks"))
    gold_max = forms.IntegerField(
        min_value=0, max_value=32_767, label=_("Most hidden checks per worker")
    )
    gold_fail_after = forms.IntegerField(
        min_value=1, max_value=10_000, required=False, label=_("Missed checks that end the way"),
        help_text=_("Empty never ends it. Nothing is left out of the results by this."),
    )  # fmt: skip

    @classmethod
    def initial_of(cls, study: Study) -> dict[str, Any]:
        return {name: getattr(study, name) for name in cls.base_fields}


class KnownItemsForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        help_text=_("JSONL or CSV with kind, prompt, output_a, output_b, right, explanation."),
    )
    kind = forms.ChoiceField(
        choices=[("", _("as each row says")), *((kind.value, kind.label) for kind in KINDS)],
        required=False,
        label=_("Kind"),
    )
    take_good = forms.BooleanField(required=False, label=_("Leave bad rows out"))

    def clean_file(self) -> tuple[str, str]:
        """The text and its kind by the name."""
        file = self.cleaned_data["file"]
        try:
            text = file.read().decode()
        except UnicodeDecodeError:
            raise forms.ValidationError(_("The file is not UTF-8.")) from None
        return text, "csv" if Path(file.name).suffix.lower() == ".csv" else "jsonl"

    def source(self) -> dict[str, Any]:
        text, kind = self.cleaned_data["file"]
        return {
            "text": text, "file_kind": kind, "take_good": self.cleaned_data["take_good"],
        }  # fmt: skip


class CompletionForm(forms.Form):
    """A code and an address for each outcome."""

    # The page says that each of them may be left out.
    says_once = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for outcome in OUTCOMES:
            name = Stage(outcome).label
            self.fields[f"{outcome}_code"] = forms.CharField(
                max_length=200, required=False, label=_("%(outcome)s: code") % {"outcome": name}
            )
            self.fields[f"{outcome}_url"] = forms.CharField(
                max_length=1000, required=False, label=_("%(outcome)s: address") % {"outcome": name}
            )

    def value(self) -> dict[str, dict[str, str]]:
        """What was filled in, outcome by outcome."""
        data = self.cleaned_data
        found = {
            outcome: {k: data[f"{outcome}_{k}"] for k in ("code", "url") if data[f"{outcome}_{k}"]}
            for outcome in OUTCOMES
        }
        return {outcome: setting for outcome, setting in found.items() if setting}

    @staticmethod
    def initial_of(home: Home) -> dict[str, str]:
        return {
            f"{outcome}_{name}": text
            for outcome, setting in home.completion.items()
            for name, text in setting.items()
        }


class VendorForm(forms.Form):
    """A vendor's terms."""

    name = forms.CharField(max_length=100, label=_("Name"))
    kind = forms.ChoiceField(choices=VendorKind.choices, label=_("Kind"))
    contact = forms.CharField(max_length=200, required=False, label=_("Contact"))
    currency = forms.CharField(max_length=3, label=_("Currency"))
    rate = forms.DecimalField(
        min_value=0, max_digits=10, decimal_places=4, label=_("Rate per judgement"),
        help_text=_("What this vendor asks for; 0 takes the study's own pay."),
    )  # fmt: skip

    agreed_accuracy = forms.FloatField(
        min_value=0, max_value=1, required=False, label=_("Agreed share of right checks"),
        help_text=_("Between 0 and 1, such as 0.9."),
    )  # fmt: skip
    agreed_days = forms.IntegerField(
        min_value=1, max_value=10_000, required=False, label=_("Agreed days until it is done")
    )

    @staticmethod
    def initial_of(vendor: Vendor) -> dict[str, Any]:
        return {name: getattr(vendor, name) for name in VendorForm.base_fields}
