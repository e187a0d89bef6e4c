"""A simulated crowd with known, differing reliabilities, on the real claim and submit path.

Everything it makes is marked as simulated. What each annotator is like is written beside the
study, so that the screening rules can be held against the truth.
"""

import math
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from jeoul.comparisons.actions import (
    AlreadyJudged,
    NothingLeft,
    Said,
    StudyNotOpen,
    claim_comparison,
    submit_judgement,
)
from jeoul.comparisons.models import Assignment, Comparison
from jeoul.quality.reading import reading_seconds
from jeoul.studies.models import A_WINS, B_WINS, BOTH_BAD, TIE, Criterion, Study
from jeoul.workers.actions import arrive, begin_work, get_vendor, give_consent, make_invite
from jeoul.workers.models import Enrolment, Invite, VendorKind

# Share of the crowd, and how each kind behaves.
KINDS: Final = (
    ("careful", 0.45, 0.95),
    ("average", 0.33, 0.75),
    ("random", 0.08, 0.0),
    ("one_side", 0.07, 0.0),
    ("hasty", 0.07, 0.4),
)


@dataclass(frozen=True)
class Person:
    """One simulated annotator: how often they judge by what they see, and how fast they are."""

    pseudonym: str
    kind: str
    reliability: float
    pace: float


def _people(count: int, rng: random.Random) -> list[tuple[str, float, float]]:
    """Kinds in fixed shares, in a seeded order."""
    people = []
    for kind, share, reliability in KINDS:
        people += [(kind, reliability)] * round(share * count)
    people += [("careful", 0.95)] * (count - len(people))
    rng.shuffle(people)
    return [
        (kind, min(1.0, max(0.0, rng.gauss(reliability, 0.03))) if reliability else 0.0,
         0.08 if kind == "hasty" else rng.uniform(0.8, 1.6))
        for kind, reliability in people[:count]
    ]  # fmt: skip


def _invite(study: Study) -> Invite:
    owner = study.memberships.get(role="owner").user
    vendor = get_vendor(owner=owner, name="Simulated crowd", kind=VendorKind.SIMULATED)
    return study.invites.filter(vendor=vendor).first() or make_invite(study=study, vendor=vendor)


class Crowd:
    """People who come, judge in turns, and go when nothing is left for them."""

    def __init__(self, *, study: Study, size: int, seed: int = 0) -> None:
        self.study, self.seed = study, seed
        self._rng = random.Random(seed)  # noqa: S311 - a simulation must be repeatable
        self._criteria = list(study.criteria.all())
        quality = random.Random(seed + 1)  # noqa: S311 - the same truth for the same seed
        self._quality = {
            entry.system_version_id: quality.gauss(0.0, 0.7) for entry in study.entries.all()
        }
        if not study.simulated:
            study.simulated = True
            study.save(update_fields=["simulated"])
        invite = _invite(study)
        self.people: dict[int, Person] = {}
        self._enrolments: list[Enrolment] = []
        for at, (kind, reliability, pace) in enumerate(_people(size, self._rng)):
            # The same seed brings the same people back, so that a stopped crowd goes on.
            enrolment = arrive(invite=invite, external_id=f"sim-{seed}-{at}", simulated=True)
            give_consent(enrolment=enrolment, text=study.consent_text)
            begin_work(enrolment=enrolment)
            self._enrolments.append(enrolment)
            self.people[enrolment.pk] = Person(enrolment.worker.pseudonym, kind, reliability, pace)

    def truth(self) -> dict[str, Any]:
        """What the simulation knows and the platform must find out."""
        labels = {
            e.system_version_id: e.system_version.label
            for e in self.study.entries.select_related("system_version__system")
        }
        return {
            "seed": self.seed,
            "quality": {labels[pk]: q for pk, q in self._quality.items()},
            "people": [asdict(person) for person in self.people.values()],
        }

    def work(self, *, limit: int | None = None) -> Iterator[int]:
        """Judge in turns; yields the number done after each. Ends when nothing is left now."""
        done, idle = 0, set[int]()
        while len(idle) < len(self._enrolments):
            for enrolment in self._enrolments:
                if enrolment.pk in idle:
                    continue
                if limit is not None and done >= limit:
                    return
                if self._judge_one(enrolment):
                    done += 1
                    yield done
                else:
                    idle.add(enrolment.pk)

    def _judge_one(self, enrolment: Enrolment) -> bool:
        person = self.people[enrolment.pk]
        try:
            assignment = claim_comparison(enrolment_id=enrolment.pk)
            comparison = Comparison.objects.select_related("output_a", "output_b").get(
                pk=assignment.comparison_id
            )
            submit_judgement(
                assignment=assignment,
                client_key=uuid.uuid4(),
                answers=[self._say(c, comparison, assignment, person) for c in self._criteria],
                telemetry=self._telemetry(comparison, person),
            )
        except (NothingLeft, StudyNotOpen, AlreadyJudged):
            return False
        return True

    def _telemetry(self, comparison: Comparison, person: Person) -> dict[str, int | None]:
        """A plausible time in view: reading both answers at the person's pace, and deciding."""
        reading = reading_seconds(comparison.output_a.text + " " + comparison.output_b.text)
        seconds = (reading + 4.0) * person.pace * self._rng.lognormvariate(0, 0.3)
        visible = round(1000 * max(seconds, 0.4))
        return {
            "visible_ms": visible,
            "focus_ms": visible,
            "hidden_ms": 0,
            "first_action_ms": visible // 2,
            "paste_chars": 0,
        }

    def _say(
        self, criterion: Criterion, comparison: Comparison, held: Assignment, person: Person
    ) -> Said:
        grade = self._grade(comparison, held, person)
        if grade is None and criterion.scale == 4:
            return Said(criterion.pk, BOTH_BAD, None)
        top = {5: 2, 7: 3}.get(criterion.scale, 1)
        grade = max(-top, min(top, grade or 0))
        if criterion.scale == 2 and grade == 0:
            grade = self._rng.choice((1, -1))
        outcome = A_WINS if grade > 0 else B_WINS if grade < 0 else TIE
        chips = [criterion.chips[0]] if criterion.chips and grade and top == 1 else []
        return Said(criterion.pk, outcome, grade, chips)

    def _grade(self, comparison: Comparison, held: Assignment, person: Person) -> int | None:
        """How much the person prefers A, -3 to 3; None for both bad."""
        if person.kind == "one_side":
            return 1 if held.a_on_left else -1
        if self._rng.random() > person.reliability:
            return self._rng.choice((1, -1, 0, None))
        # The item's own difficulty is the same for everyone who sees it.
        item = random.Random(f"{self.seed}:{comparison.pk}")  # noqa: S311 - repeatable
        distance = (
            self._quality[comparison.system_a_id]
            - self._quality[comparison.system_b_id]
            + item.gauss(0.0, 0.8)
        )
        if item.random() < 0.04:
            return None
        chance = 1 / (1 + math.exp(-2.5 * (distance + self._rng.gauss(0.0, 0.3))))
        if 0.42 < chance < 0.58:
            return 0
        sign = 1 if self._rng.random() < chance else -1
        return sign * (2 if abs(distance) > 1.5 else 1)


def run_crowd(
    *,
    study: Study,
    size: int,
    seed: int = 0,
    limit: int | None = None,
    told: Callable[[int], None] = lambda done: None,
) -> tuple[int, dict[str, Any]]:
    """Let a crowd work the study; returns how many judgements it gave, and the truth."""
    crowd = Crowd(study=study, size=size, seed=seed)
    done = 0
    for done in crowd.work(limit=limit):
        told(done)
    return done, crowd.truth()
