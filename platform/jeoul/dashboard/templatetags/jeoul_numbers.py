"""Numbers as researchers read them."""

from typing import Any

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

register = template.Library()

_RULES = {
    "too_fast": gettext_lazy("Too fast"),
    "one_side": gettext_lazy("One side only"),
    "fails_gold": gettext_lazy("Fails known answers"),
    "disagrees": gettext_lazy("Disagrees with the others"),
    "always_tie": gettext_lazy("Ties too often"),
}


@register.filter
def share(value: float | None) -> str:
    """0.573 as 57.3 %; a dash where nothing is known."""
    return "–" if value is None else f"{100 * value:.1f} %"


@register.filter
def signed(value: float | None) -> str:
    """Two decimals with a true minus sign."""
    return "–" if value is None else f"{value:.2f}".replace("-", "−")


@register.filter
def points(value: float | None) -> str:
    """0.052 as 5.2 percentage points."""
    return "–" if value is None else f"{100 * value:.1f}"


@register.filter
def part_groups(figures: Any) -> list[tuple[list[Any], str]]:
    """Progress by pair and by slice, each with its heading."""
    return [(figures.pairs, _("By pair")), (figures.slices, _("By slice"))]


@register.filter
def pvalue(value: float | None) -> str:
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


@register.filter
def words(value: str) -> list[str]:
    """A list written as words."""
    return value.split()


@register.filter
def alphas(agreement: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Nominal and ordinal alpha with their names."""
    names = (("nominal", _("Nominal")), ("ordinal", _("Ordinal, without both bad")))
    return [(name, agreement[key]) for key, name in names if key in agreement]


@register.filter
def rule_name(rule: str) -> str:
    return str(_RULES.get(rule, rule))
