"""Which comparisons may be asked, by what scans found and what the study's policy says.

Facts of a comparison (kinds in its prompt, in each output, between the two) and the policy give
one action, the strictest. Only scanned texts are opened.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from jeoul.comparisons.models import Comparison, Kind, Standing
from jeoul.risk.actions import hold_for_review
from jeoul.risk.contamination.actions import left_out_prompts
from jeoul.risk.detectors.shape import pair_kinds
from jeoul.risk.models import ReviewItem, Source, Verdict
from jeoul.risk.scanning import kinds_of
from jeoul.studies.models import RiskAction, RiskKind, Study
from jeoul.studies.models.risk_policy import strictest, whole_policy

_BATCH: Final = 200
_WRITTEN: Final = ["ready", "standing", "kinds", "warnings", "target"]
# A prompt that is declared high-risk holds what it is declared to hold; and only answers can
# end the blindness.
_NOT_IN_PROMPTS: Final = {RiskKind.SELF_NAMING.value}


@dataclass(frozen=True)
class Facts:
    """The kinds found about one comparison."""

    prompt: frozenset[str] = frozenset()
    a: frozenset[str] = frozenset()
    b: frozenset[str] = frozenset()
    pair: frozenset[str] = frozenset()

    @property
    def kinds(self) -> list[str]:
        return sorted(self.prompt | self.a | self.b | self.pair)


@dataclass
class Ruling:
    """What follows for one comparison."""

    action: str
    warnings: list[str] = field(default_factory=list)


def rule(facts: Facts, policy: dict[str, str]) -> Ruling:
    """The strictest action over everything found, and what is to be announced."""
    return Ruling(
        strictest(policy[kind] for kind in facts.kinds),
        [k for k in facts.kinds if policy[k] in {RiskAction.WARN, RiskAction.HOLD}],
    )


def _facts(rows: list[Comparison]) -> dict[int, Facts]:
    """By comparison id; a comparison whose texts are not all scanned is not in it."""
    ids = {pk for row in rows for pk in (row.output_a_id, row.output_b_id)}
    missing = {out.pk for row in rows for out in (row.output_a, row.output_b) if out.text_missing}
    outputs = kinds_of(outputs=ids) | {pk: set() for pk in missing}
    prompts = kinds_of(prompts={row.prompt_id for row in rows})
    found = {}
    for row in rows:
        if row.output_a_id not in outputs or row.output_b_id not in outputs:
            continue
        if row.prompt_id not in prompts:
            continue
        of_prompt = prompts[row.prompt_id] - _NOT_IN_PROMPTS
        if row.prompt.risk == "high":
            of_prompt -= {RiskKind.HARMFUL.value}
        pair: list[str] = []
        if not {row.output_a_id, row.output_b_id} & missing:
            pair = pair_kinds(row.output_a.text, row.output_b.text)
        found[row.pk] = Facts(
            frozenset(of_prompt),
            frozenset(outputs[row.output_a_id]),
            frozenset(outputs[row.output_b_id]),
            frozenset(pair),
        )
    return found


def assess(*, study: Study, rows: QuerySet[Comparison]) -> int:
    """Open, hold, tie or leave out ``rows`` of ``study``; returns how many are open now."""
    policy = whole_policy(study.risk_policy)
    contaminated = left_out_prompts(study)
    opened = 0
    ids = list(rows.values_list("pk", flat=True))
    for start in range(0, len(ids), _BATCH):
        with transaction.atomic():
            # In the order of the key, as every writer of many comparisons takes them.
            batch = list(
                Comparison.objects.filter(pk__in=ids[start : start + _BATCH])
                .select_for_update(of=("self",))
                .select_related("prompt", "output_a", "output_b")
                .order_by("pk")
            )
            facts = _facts(batch)
            reported = _removed_by_report(study, batch)
            known = [row for row in batch if row.pk in facts]
            for row in known:
                _apply(study, row, facts[row.pk], policy, reported)
                if row.prompt_id in contaminated:
                    _leave_out_contaminated(row)
            Comparison.objects.bulk_update(known, _WRITTEN)
            opened += sum(row.ready for row in known)
    return opened


def _apply(
    study: Study,
    row: Comparison,
    facts: Facts,
    policy: dict[str, str],
    reported: set[tuple[int, int]],
) -> None:
    ruling = rule(facts, policy)
    standing = {
        RiskAction.LEAVE_OUT: Standing.LEFT_OUT,
        RiskAction.TIE: Standing.TIE,
        RiskAction.HOLD: Standing.HELD,
    }.get(RiskAction(ruling.action), Standing.ASKED)
    # Also where something stricter decides already: what is held is on the list in any case.
    verdicts = _review(study, row, facts, policy)
    if Verdict.REMOVED in verdicts or (row.output_a_id, row.output_b_id) in reported:
        standing = Standing.LEFT_OUT
    elif standing == Standing.HELD and Verdict.OPEN not in verdicts:
        standing = Standing.ASKED
    row.standing = standing
    row.ready = standing == Standing.ASKED
    row.kinds, row.warnings = facts.kinds, ruling.warnings
    if standing in {Standing.TIE, Standing.LEFT_OUT}:
        row.target = row.taken
    else:
        row.target = max(study.overlap, row.taken)


def _leave_out_contaminated(row: Comparison) -> None:
    """The study does without prompts that stand in a training corpus."""
    row.standing, row.ready, row.target = Standing.LEFT_OUT, False, row.taken
    row.kinds = [*row.kinds, "contaminated"]


def _review(study: Study, row: Comparison, facts: Facts, policy: dict[str, str]) -> list[Verdict]:
    """Put what is held on the review list, each text once; returns the verdicts so far."""

    def held(kinds: Iterable[str]) -> list[str]:
        return [kind for kind in kinds if policy[kind] == RiskAction.HOLD]

    verdicts = []
    if kinds := held(facts.prompt):
        verdicts.append(hold_for_review(study=study, prompt_id=row.prompt_id, kinds=kinds))
    for output_id, of_output in ((row.output_a_id, facts.a), (row.output_b_id, facts.b)):
        if kinds := held(of_output):
            verdicts.append(
                hold_for_review(
                    study=study, prompt_id=row.prompt_id, output_id=output_id, kinds=kinds
                )
            )
    if kinds := held(facts.pair):
        verdicts.append(
            hold_for_review(
                study=study,
                prompt_id=row.prompt_id,
                output_id=row.output_a_id,
                other_id=row.output_b_id,
                kinds=kinds,
            )
        )
    return verdicts


def _removed_by_report(study: Study, rows: list[Comparison]) -> set[tuple[int, int]]:
    """Pairs of outputs that a decision on an annotator's report took out."""
    removed = ReviewItem.objects.filter(
        study=study,
        source=Source.REPORT,
        verdict=Verdict.REMOVED,
        output__in=[row.output_a_id for row in rows],
    )
    return {(a, b) for a, b in removed.values_list("output_id", "other_id") if a and b}


def apply_decision(*, item: ReviewItem) -> int:
    """Bring the comparisons in line with a decision; returns how many are open now."""
    rows = Comparison.objects.filter(study=item.study, kind=Kind.REAL, prompt=item.prompt_id)
    if item.other_id:
        rows = rows.filter(output_a=item.output_id, output_b=item.other_id)
    elif item.output_id:
        rows = rows.filter(Q(output_a=item.output_id) | Q(output_b=item.output_id))
    return assess(study=item.study, rows=rows)


def reassess(*, study: Study) -> int:
    """Apply the study's policy anew, as after an amendment; judged comparisons stay as they are."""
    rows = Comparison.objects.filter(study=study, kind=Kind.REAL, taken=0).exclude(
        standing=Standing.ASKED, ready=False
    )
    return assess(study=study, rows=rows)


def automatic_ties(study: Study) -> QuerySet[Comparison]:
    """Pairs without a difference that count as ties, without anybody asked."""
    return Comparison.objects.filter(study=study, kind=Kind.REAL, standing=Standing.TIE, judged=0)


def standings(study: Study) -> dict[str, int]:
    """How many comparisons are held, tied or left out."""
    rows = Comparison.objects.filter(study=study, kind=Kind.REAL).exclude(standing="")
    found = dict(rows.order_by().values_list("standing").annotate(n=Count("pk")))
    return {
        s.value: found.get(s.value, 0) for s in (Standing.HELD, Standing.TIE, Standing.LEFT_OUT)
    }
