"""Doors to what judgements mean: flags, workers and comparisons of one study, or 404."""

from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404

from jeoul.accounts.models import AuditEvent
from jeoul.comparisons.models import Answer, Comparison, Judgement
from jeoul.quality.models import Flag, FlagState
from jeoul.studies.models import Study
from jeoul.workers.models import Worker


def get_flag(study: Study, uuid: UUID) -> Flag:
    found = study.flags.filter(uuid=uuid).select_related("worker", "study").first()
    if found is None:
        raise Http404("No such flag.")
    return found


def get_worker(study: Study, pseudonym: str) -> Worker:
    """A worker who is enrolled in the study."""
    found = Worker.objects.filter(enrolments__study=study, pseudonym=pseudonym).first()
    if found is None:
        raise Http404("No such worker in this study.")
    return found


def get_comparison(study: Study, uuid: UUID) -> Comparison:
    found = (
        study.comparisons.filter(uuid=uuid)
        .select_related("prompt", "system_a__system", "system_b__system", "output_a", "output_b")
        .first()
    )
    if found is None:
        raise Http404("No such comparison.")
    return found


def _overall_answers() -> QuerySet[Answer]:
    """Answers in force on a study's overall criterion."""
    later = Judgement.objects.filter(supersedes=OuterRef("judgement_id"))
    return Answer.objects.filter(~Exists(later), criterion__is_overall=True)


def votes_on(comparisons: list[int]) -> dict[int, tuple[int, int, int, int]]:
    """Wins of A, wins of B, ties and both bad of each comparison, by id."""
    tally: dict[int, list[int]] = {}
    rows = _overall_answers().filter(judgement__comparison__in=comparisons)
    for pk, outcome in rows.values_list("judgement__comparison_id", "outcome"):
        tally.setdefault(pk, [0, 0, 0, 0])[outcome] += 1
    return {pk: (n[0], n[1], n[2], n[3]) for pk, n in tally.items()}


def said(rows: QuerySet[Comparison], outcome: int) -> QuerySet[Comparison]:
    """Comparisons in which someone gave this verdict."""
    mine = _overall_answers().filter(judgement__comparison=OuterRef("pk"), outcome=outcome)
    return rows.filter(Exists(mine), judged__gt=0)


def judged_by(rows: QuerySet[Comparison], pseudonym: str) -> QuerySet[Comparison]:
    mine = Judgement.objects.filter(comparison=OuterRef("pk"), worker__pseudonym=pseudonym)
    return rows.filter(Exists(mine))


def with_flagged_workers(rows: QuerySet[Comparison], study: Study) -> QuerySet[Comparison]:
    """Comparisons judged by someone with a signal that is not dismissed."""
    flagged = study.flags.exclude(state=FlagState.DISMISSED).values("worker")
    mine = Judgement.objects.filter(comparison=OuterRef("pk"), worker__in=flagged)
    return rows.filter(Exists(mine))


def worker_trail(study: Study, worker: Worker) -> QuerySet[AuditEvent]:
    """Everything that was decided or said about a worker in this study, the newest first."""
    flags = list(study.flags.filter(worker=worker).values_list("uuid", flat=True))
    return AuditEvent.objects.filter(study_uuid=study.uuid, object_uuid__in=[worker.uuid, *flags])


def judgements_in_force(study: Study) -> QuerySet[Judgement]:
    """The study's judgements without those that a later one supersedes."""
    return all_judgements(study).filter(superseded_by=None)


def all_judgements(study: Study) -> QuerySet[Judgement]:
    """The study's judgements, superseded ones too, with what a row of them shows."""
    return (
        Judgement.objects.filter(study=study)
        .select_related(
            "comparison__prompt",
            "comparison__system_a__system",
            "comparison__system_b__system",
            "worker",
            "telemetry",
        )
        .prefetch_related("answers__criterion")
    )
