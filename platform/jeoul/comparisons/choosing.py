"""Which comparison a worker gets next: the one small interface behind the claim."""

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

from django.utils.crypto import salted_hmac

from jeoul.comparisons import statements
from jeoul.comparisons.models import Comparison, Kind
from jeoul.comparisons.pairing import main_language
from jeoul.comparisons.reading import read_texts
from jeoul.comparisons.slots import Given, Shares, Slot, next_slot
from jeoul.comparisons.statements import COMPARISONS
from jeoul.prepared import Statement
from jeoul.studies.models import Study
from jeoul.workers.models import Enrolment

# Real pages between a judgement and its repeat: far enough not to be remembered at once.
REPEAT_AFTER: Final = 5
_START: Final = (-1, -1)


@dataclass(frozen=True)
class Choice:
    """A comparison for a worker, its row locked where it has places to keep count of."""

    comparison: Comparison
    # "first" is practice or trial: it comes before the plan and is no page of it.
    slot: Slot | Literal["first"]
    # Of a repeat: the side that A had before; it comes swapped.
    a_was_left: bool | None = None

    # Of a trial's item that comes again in a later try.
    showing: int = 0

    @property
    def repeat(self) -> int:
        """0 for the first showing to this worker."""
        return self.showing or int(self.slot == "repeat")

    @property
    def counts(self) -> bool:
        """Whether it takes one of the comparison's planned places."""
        return not self.repeat


def choose_comparison(*, enrolment: Enrolment, study: Study) -> Choice | None:
    """The next open comparison for this worker; None when there is none.

    The caller holds the enrolment's lock. Checks and repeats come by the study's shares, the
    rest in the order "fewest taken first, then the plan", so that a study stopped at any moment
    is balanced. SKIP LOCKED lets many workers choose at once without waiting for each other.
    Another rule (an adaptive one) is another function with this signature.
    """
    if study.worker_cap is not None and enrolment.submitted >= study.worker_cap:
        return None
    slot = _slot(enrolment, study)
    if slot == "gold":
        return _gold(enrolment, study) or _real(enrolment, study)
    if slot == "repeat":
        return _repeat(enrolment, study) or _real(enrolment, study)
    return _real(enrolment, study)


def _seed(enrolment: Enrolment, study: Study) -> str:
    """The worker's own; keyed, since they know their id and might guess the study's seed."""
    return salted_hmac("jeoul.slots", f"{study.seed}:{enrolment.uuid.hex}").hexdigest()


def _slot(enrolment: Enrolment, study: Study) -> Slot:
    if not study.gold_share and not study.repeat_share:
        return "real"
    return next_slot(
        _seed(enrolment, study),
        Given(enrolment.given_real, enrolment.given_gold, enrolment.given_repeat),
        Shares(study.gold_share, study.gold_max, study.repeat_share, study.repeat_max),
        repeat_after=_repeat_after(study),
    )


def _repeat_after(study: Study) -> int:
    return max(REPEAT_AFTER, study.prompt_distance)


def _languages(enrolment: Enrolment) -> list[str] | None:
    """What the worker reads, and texts of unknown language; None where they said nothing."""
    known = enrolment.worker.languages
    return sorted({"", *map(main_language, known)}) if known else None


@lru_cache(maxsize=1024)
def _has_gold(study_id: int, minute: int) -> bool:
    return Comparison.objects.filter(study=study_id, kind=Kind.GOLD).exists()


def _gold(enrolment: Enrolment, study: Study) -> Choice | None:
    # Without known items an early check stays due; nobody looks for it more than once a minute.
    if not _has_gold(study.pk, int(time.time() // 60)):
        return None
    row = statements.GOLD.row(
        study.pk,
        enrolment.pk,
        _seed(enrolment, study),
        _languages(enrolment),
        enrolment.no_high_risk,
    )
    return Choice(COMPARISONS.read(row), "gold") if row else None


def _repeat(enrolment: Enrolment, study: Study) -> Choice | None:
    row = statements.REPEAT.row(enrolment.pk, _repeat_after(study), _seed(enrolment, study))
    if row is None:
        return None
    return Choice(COMPARISONS.read(row), "repeat", a_was_left=row[COMPARISONS.width])


def _real(enrolment: Enrolment, study: Study) -> Choice | None:
    """From the front of the plan; a worker who has seen the front goes on where they were.

    Only one who has seen that too looks at everything, and then begins there next time: over
    many claims no comparison is passed more than a few times.
    """
    near: list[int] = []
    if study.prompt_distance:
        rows = statements.RECENT_PROMPTS.rows(enrolment.pk, study.prompt_distance)
        near = [prompt for (prompt,) in rows]
    languages = _languages(enrolment)
    close, far = (
        (statements.NEAR_IN, statements.FAR_IN) if languages else (statements.NEAR, statements.FAR)
    )

    def walk(statement: Statement, avoid: list[int], begin: tuple[Any, ...]) -> Choice | None:
        mild = enrolment.no_high_risk
        row = statement.row(study.pk, enrolment.pk, avoid, languages, *begin, mild)
        if row is None:
            return None
        comparison = COMPARISONS.read(row)
        read_texts(row, comparison, COMPARISONS.width)
        return Choice(comparison, "real")

    found = walk(close, near, _START)
    if found is None and enrolment.given_real:
        last = statements.LAST_PLACE.row(enrolment.pk)
        found = walk(close, near, last) if last else None
    found = found or walk(far, near, _START)
    # A prompt too soon is better than a worker without work.
    return found or (walk(far, [], _START) if near else None)
