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


def announced(kinds: Iterable[str]) -> str:
    """A sentence that warns an annotator; empty where nothing needs a warning."""
    named = [str(text) for kind, text in _ANNOUNCED.items() if kind in set(kinds)]
    if not named:
        return _("Something here may be unusual: please read with care.") if list(kinds) else ""
    return _("The texts may contain: %(what)s.") % {"what": ", ".join(named)}
