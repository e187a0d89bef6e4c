"""Files that researchers bring in: prompts, outputs made elsewhere, training data."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jeoul.dashboard.forms import LineList


class _ManyInput(forms.FileInput):
    allow_multiple_selected = True


class ManyFiles(forms.FileField):
    """Any number of files, as a list."""

    widget = _ManyInput(attrs={"multiple": True})

    def clean(self, data: Any, initial: Any = None) -> Any:
        return [super(ManyFiles, self).clean(file, initial) for file in data or []]


class PromptFileForm(forms.Form):
    name = forms.CharField(max_length=200, label=_("Name"))
    file = forms.FileField(
        label=_("File"), help_text=_("JSONL, CSV or Parquet with id and prompt (or messages).")
    )
    sealed = forms.BooleanField(
        required=False, label=_("Sealed: only annotators see the texts until the study ends")
    )
    take_good = forms.BooleanField(required=False, label=_("Leave bad rows out"))


class CorpusForm(forms.Form):
    """Training data to look through: uploaded, or lying in the operator's folders."""

    file = ManyFiles(
        required=False, label=_("Files"),
        help_text=_("JSONL or text, also packed as .gz or .zst."),
    )  # fmt: skip
    paths = LineList(
        required=False, label=_("or files of the operator, one per line"),
        help_text=_("Names or patterns such as part-*.jsonl.zst, in the folders that are open."),
    )  # fmt: skip
    field = forms.CharField(
        max_length=100, required=False, label=_("Key of the text in JSON lines"),
        help_text=_("Left empty, every text in a line is read."),
    )  # fmt: skip


class OutputFileForm(forms.Form):
    file = forms.FileField(
        label=_("File"), help_text=_("JSONL or CSV with prompt_id, system, text, UTF-8.")
    )
    take_good = forms.BooleanField(required=False, label=_("Leave bad rows out"))
