"""What researchers type about connections, systems, runs and watches."""

import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jeoul.accounts.models import User
from jeoul.studies.access import prompt_sets_for
from jeoul.studies.models import Connection, PromptSet, Protocol, Study, SystemVersion


class _JSON(forms.JSONField):
    """JSON in a text area; empty is an empty object."""

    widget = forms.Textarea(attrs={"rows": 5, "spellcheck": "false"})

    def clean(self, value: Any) -> Any:
        return super().clean(value) or {}

    def prepare_value(self, value: Any) -> Any:
        return super().prepare_value(value) if value else ""


class ConnectionForm(forms.Form):
    name = forms.CharField(max_length=100, label=_("Name"))
    protocol = forms.ChoiceField(choices=Protocol.choices, label=_("Protocol"))
    base_url = forms.URLField(
        max_length=500, assume_scheme="https", label=_("Base URL"),
        help_text=_("Where requests go; of an OpenAI-compatible endpoint it ends in /v1."),
    )  # fmt: skip
    key = forms.CharField(
        max_length=4000, required=False, label=_("Key"), strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("Stored encrypted and never shown again."),
    )  # fmt: skip
    key_env = forms.CharField(
        max_length=100, required=False, label=_("or the environment variable that holds it")
    )
    concurrency = forms.IntegerField(
        min_value=1, max_value=1000, initial=4, label=_("Requests at once")
    )
    requests_per_minute = forms.IntegerField(
        min_value=1, max_value=1_000_000, required=False, label=_("Requests per minute")
    )
    tokens_per_minute = forms.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, label=_("Tokens per minute")
    )
    timeout_seconds = forms.IntegerField(
        min_value=1, max_value=3600, initial=120, label=_("Longest wait for an answer, in seconds")
    )
    price_in = forms.DecimalField(
        max_digits=12, decimal_places=6, min_value=0, initial=0,
        label=_("Price per million prompt tokens"),
    )  # fmt: skip
    price_out = forms.DecimalField(
        max_digits=12, decimal_places=6, min_value=0, initial=0,
        label=_("Price per million completion tokens"),
    )  # fmt: skip
    currency = forms.RegexField(r"^[A-Z]{3}$", initial="USD", label=_("Currency"))
    prices = _JSON(
        required=False, label=_("Prices of single models"),
        help_text=_('Where they differ: {"model": ["in", "out"]} per million tokens.'),
    )  # fmt: skip
    request_template = _JSON(
        required=False, label=_("Request template (plain HTTP only)"),
        help_text=_(
            'JSON with "{prompt}" or "{messages}", and "{model}", "{system}", "{temperature}", '
            '"{max_tokens}", "{seed}" where the service takes them.'
        ),
    )  # fmt: skip
    answer_paths = _JSON(
        required=False, label=_("Paths in the answer (plain HTTP only)"),
        help_text=_('For example {"text": "choices.0.text", "model": "model"}.'),
    )  # fmt: skip
    key_header = forms.CharField(
        max_length=200, required=False, label=_("Header of the key (plain HTTP only)"),
        help_text=_("Authorization: Bearer {key} where it is left empty."),
    )  # fmt: skip


def initial_of(connection: Connection) -> dict[str, Any]:
    """A connection as the form that made it, without its key."""
    names = set(ConnectionForm.base_fields) - {"key"}
    return {
        name: getattr(connection, name)
        for name in names
        # An empty object is shown as an empty field.
        if getattr(connection, name) != {}
    }


class TryForm(forms.Form):
    model = forms.CharField(max_length=200, label=_("Model"))


class SystemForm(forms.Form):
    name = forms.CharField(max_length=200, label=_("Name"))
    connection = forms.ModelChoiceField(
        Connection.objects.none(),
        to_field_name="uuid",
        required=False,
        label=_("Connection"),
        empty_label=_("none: outputs are imported"),
    )
    model = forms.CharField(
        max_length=200, required=False, label=_("Model"),
        help_text=_("A dated id, so that it means the same next month."),
    )  # fmt: skip
    system_prompt = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4}), required=False, label=_("System prompt")
    )
    prompt_template = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4}), required=False, label=_("Prompt template"),
        help_text=_(
            "{prompt} stands for the person's text, {category} or any key of the prompt's "
            "metadata for its value; {{ and }} for braces."
        ),
    )  # fmt: skip
    examples = _JSON(
        required=False, label=_("Examples shown before the prompt"),
        help_text=_('A JSON list of {"user": "…", "assistant": "…"}.'),
    )  # fmt: skip
    temperature = forms.FloatField(min_value=0, max_value=2, required=False, label=_("Temperature"))
    top_p = forms.FloatField(min_value=0, max_value=1, required=False, label=_("Top p"))
    max_tokens = forms.IntegerField(
        min_value=1, max_value=1_000_000, required=False, label=_("Most tokens")
    )
    seed = forms.IntegerField(
        min_value=0, max_value=2**31 - 1, required=False, label=_("Seed"),
        help_text=_("Each further sample of a prompt takes the next number."),
    )  # fmt: skip
    note = forms.CharField(max_length=500, required=False, label=_("What changed"))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["connection"]
        field.queryset = Connection.objects.filter(owner=user)  # type: ignore[attr-defined]  # a model choice
        field.label_from_instance = lambda c: c.name  # type: ignore[attr-defined]

    def clean_examples(self) -> list[Any]:
        value = self.cleaned_data["examples"] or []
        if not isinstance(value, list):
            raise forms.ValidationError(_("This must be a JSON list."))
        return value

    def sampling(self) -> dict[str, object]:
        names = ("temperature", "top_p", "max_tokens", "seed")
        return {n: self.cleaned_data[n] for n in names if self.cleaned_data[n] is not None}


def initial_version(version: SystemVersion) -> dict[str, Any]:
    """A version as the form that made it, to start the next one from."""
    names = ("model", "system_prompt", "prompt_template")
    examples = json.dumps(version.examples, ensure_ascii=False, indent=1)
    return {
        "name": version.system.name,
        "connection": version.connection and version.connection.uuid,
        **{name: getattr(version, name) for name in names},
        **({"examples": examples} if version.examples else {}),
        **version.sampling,
    }


class RunForm(forms.Form):
    version = forms.ModelChoiceField(
        SystemVersion.objects.none(), to_field_name="uuid", label=_("New version")
    )
    previous = forms.ModelChoiceField(
        SystemVersion.objects.none(), to_field_name="uuid", required=False,
        label=_("Held against"), empty_label=_("the version before"),
    )  # fmt: skip
    reason = forms.CharField(max_length=1000, label=_("Reason"))

    def __init__(self, *args: Any, user: User, study: Study, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inside = study.systems.select_related("system")
        others = SystemVersion.objects.filter(system__owner=user).select_related("system")
        self.fields["version"].queryset = others.exclude(pk__in=inside)  # type: ignore[attr-defined]
        self.fields["previous"].queryset = inside  # type: ignore[attr-defined]
        for name in ("version", "previous"):
            self.fields[name].label_from_instance = lambda v: v.label  # type: ignore[attr-defined]


class WatchForm(forms.Form):
    prompt_set = forms.ModelChoiceField(
        PromptSet.objects.none(), to_field_name="uuid", label=_("Golden prompt set")
    )
    every_hours = forms.IntegerField(
        min_value=1, max_value=24 * 366, initial=24, label=_("Asked again every so many hours")
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["prompt_set"].queryset = prompt_sets_for(user)  # type: ignore[attr-defined]
        self.fields["prompt_set"].label_from_instance = lambda s: s.name  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """The newest version of the set is what is asked."""
        data = dict(self.cleaned_data)
        if prompt_set := data.pop("prompt_set", None):
            data["prompts"] = prompt_set.latest()
            if data["prompts"] is None:
                self.add_error("prompt_set", _("This set has no prompts yet."))
        return data


class RerunForm(forms.Form):
    reason = forms.CharField(max_length=1000, label=_("Reason"))
