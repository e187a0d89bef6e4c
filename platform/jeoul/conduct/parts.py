"""How far each pair and each slice of a study is."""

from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from jeoul.conduct.figures import FEW
from jeoul.lately import lately, takes_long
from jeoul.results.inputs import SLICES
from jeoul.results.progress import Sums, sum_comparisons
from jeoul.studies.models import Risk, Study, SystemVersion

# Values of one slice that have a line of their own.
_MOST_VALUES: Final = 8


@dataclass(frozen=True)
class Part:
    """A pair's or a slice's share of the work."""

    name: str
    judged: int
    planned: int

    @property
    def percent(self) -> int:
        return round(100 * self.judged / self.planned) if self.planned else 0


@dataclass(frozen=True)
class Parts:
    """Each pair, and each value of the slices that divide the prompts."""

    pairs: list[Part]
    slices: dict[str, list[Part]]
    comparisons: int


def count_parts(study: Study) -> Parts:
    """As they are now; two queries, and every comparison is read once with its prompt."""
    rows = sum_comparisons(study, "system_a", "system_b", *(f"prompt__{name}" for name in SLICES))
    pairs: dict[Any, Sums] = {}
    slices: dict[str, dict[Any, Sums]] = {name: {} for name in SLICES}
    for (a, b, *values), sums in rows:
        pairs[a, b] = pairs.get((a, b), Sums()) + sums
        for name, value in zip(SLICES, values, strict=True):
            slices[name][value] = slices[name].get(value, Sums()) + sums
    dividing = {name: each for name, each in slices.items() if name == "risk" or len(each) > 1}
    return Parts(
        pairs=_pairs(pairs),
        slices={name: _values(name, each) for name, each in dividing.items()},
        comparisons=sum(sums.comparisons for sums in pairs.values()),
    )


def parts_lately(study: Study) -> Parts:
    """As they were a few seconds ago at most; of few comparisons, as they are."""
    return lately(_key(study), lambda: count_parts(study), worth=lambda p: p.comparisons > FEW)


def parts_take_long(study: Study) -> bool:
    return takes_long(_key(study), study.comparisons.all(), FEW)


def _key(study: Study) -> str:
    return f"parts:{study.uuid}:{study.plan_hash}:{get_language()}"


def _part(name: str, sums: Sums) -> Part:
    return Part(name, sums.judged, sums.planned)


def _pairs(pairs: dict[Any, Sums]) -> list[Part]:
    versions = SystemVersion.objects.filter(pk__in={pk for pair in pairs for pk in pair})
    labels = {v.pk: v.label for v in versions.select_related("system")}
    return [_part(f"{labels[a]} – {labels[b]}", sums) for (a, b), sums in sorted(pairs.items())]


def _values(name: str, sums: dict[str, Sums]) -> list[Part]:
    """The values of a slice, the largest first; the smallest of many are summed at the end."""
    if name == "risk":
        return [_part(str(Risk(v).label), sums[v]) for v in sorted(sums, reverse=True)]
    parts = [_part(value or str(_("none")), each) for value, each in sums.items()]
    parts.sort(key=lambda part: (-part.planned, part.name))
    shown, rest = parts[:_MOST_VALUES], parts[_MOST_VALUES:]
    if len(rest) == 1:
        return parts
    if rest:
        words = str(_("%d others")) % len(rest)
        shown.append(Part(words, sum(p.judged for p in rest), sum(p.planned for p in rest)))
    return shown
