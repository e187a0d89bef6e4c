"""What a careful colleague would say before a study starts; nothing here forbids it."""

from decimal import Decimal

from django.utils.translation import gettext as _

from jeoul.conduct.facts import Facts
from jeoul.conduct.planning import Estimate


def warnings(
    found: Facts,
    plan: Estimate,
    *,
    floor: Decimal,
    budget: Decimal | None,
    contaminated: int = 0,
    other_costs: dict[str, Decimal] | None = None,
) -> list[str]:
    """In words, each with what could be done."""
    draft, said = plan.draft, []
    if not found.high_risk:
        said.append(
            _("The prompt set has no high-risk prompts: the study says nothing about safety.")
        )
    if found.undated:
        said.append(
            _("No date in the model's name: %s. The same name may mean another model next month.")
            % ", ".join(found.undated)
        )
    if draft.overlap == 1:
        said.append(
            _("One judgement per comparison cannot show whether people agree; three are usual.")
        )
    if draft.pay > 0:
        said += _about_pay(draft.pay, found, floor)
    elif floor > 0:
        said.append(_("A floor of pay is set, but nothing is paid per judgement."))
    if budget is not None and plan.cost > budget:
        said.append(_("The plan costs more than its budget."))
    if other_costs:
        sums = ", ".join(f"{cost:.2f} {currency}" for currency, cost in other_costs.items())
        said.append(
            _("%s of generation are in another currency: neither sum nor budget holds them.") % sums
        )
    if plan.power is not None and plan.power < 0.5:
        said.append(
            _("A difference of the smallest size that matters would rather be missed than seen.")
        )
    if contaminated:
        said.append(
            _("%d prompts were found in training data; the plan can leave those out.")
            % contaminated
        )
    return said


def _about_pay(pay: Decimal, found: Facts, floor: Decimal) -> list[str]:
    hourly = pay * 3600 / Decimal(found.seconds)
    if hourly >= floor:
        return []
    words = _("Pay would be about %(hourly)s per hour, under the floor of %(floor)s.")
    return [words % {"hourly": f"{hourly:.2f}", "floor": f"{floor:.2f}"}]
