"""What is said of findings: to annotators before they see a text, to researchers beside it."""

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jeoul.studies.models import RiskKind

# Never which side, and never "safe": a scan that finds nothing proves nothing.
_ANNOUNCED = {
    RiskKind.PERSONAL_DATA: gettext_lazy("personal data"),
    RiskKind.SECRET: gettext_lazy("a key or password"),
    RiskKind.HARMFUL: gettext_lazy("harmful language"),
    RiskKind.SELF_NAMING: gettext_lazy("the name of a product"),
}

_RULES = {
    "email": gettext_lazy("E-mail address"),
    "phone": gettext_lazy("Phone number"),
    "card": gettext_lazy("Card number"),
    "iban": gettext_lazy("IBAN"),
    "ip": gettext_lazy("IP address"),
    "resident_number": gettext_lazy("Resident registration number"),
    "resident_number_unchecked": gettext_lazy("Resident registration number, no check digit"),
    "name": gettext_lazy("Name of a person"),
    "address": gettext_lazy("Street address"),
    "bank_account": gettext_lazy("Bank account"),
    "passport": gettext_lazy("Passport number"),
    "licence": gettext_lazy("Driving licence number"),
}


def rule_name(rule: str) -> str:
    """What a rule of personal data looks for; empty for those of other kinds."""
    return str(_RULES.get(rule, ""))


def announced(kinds: Iterable[str]) -> str:
    """A sentence that warns an annotator; empty where nothing needs a warning."""
    named = [str(text) for kind, text in _ANNOUNCED.items() if kind in set(kinds)]
    if not named:
        return _("Something here may be unusual: please read with care.") if list(kinds) else ""
    return _("The texts may contain: %(what)s.") % {"what": ", ".join(named)}
