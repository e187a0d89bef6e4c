"""Which comparison a worker gets next: the one small interface behind the claim."""

from django.db import models
from django.db.models import Exists, F, OuterRef

from jeoul.comparisons.models import SEEN, Assignment, Comparison, Kind
from jeoul.studies.models import Study
from jeoul.workers.models import Enrolment


def choose_comparison(*, enrolment: Enrolment, study: Study) -> Comparison | None:
    """The next open comparison for this worker, locked; None when there is none.

    The caller holds the enrolment's lock. Gold items come by the study's shares, the rest in
    the order "fewest taken first, then the plan", so that a study stopped at any moment is
    balanced. SKIP LOCKED lets many workers choose at once without waiting for each other.
    """
    if study.worker_cap is not None and enrolment.submitted >= study.worker_cap:
        return None
    if _gold_is_due(enrolment, study):
        gold = _first(_unseen(enrolment, study, Kind.GOLD).order_by("position"))
        if gold is not None:
            return gold
    real = _unseen(enrolment, study, Kind.REAL).filter(ready=True, taken__lt=F("target"))
    if study.languages and enrolment.worker.languages:
        real = real.filter(prompt__language__in=["", *enrolment.worker.languages])
    if study.prompt_distance:
        recent = (
            Assignment.objects.filter(enrolment=enrolment)
            .order_by("-reserved_at")
            .values_list("comparison__prompt_id", flat=True)[: study.prompt_distance]
        )
        far = _first(real.exclude(prompt_id__in=list(recent)).order_by("taken", "position"))
        if far is not None:
            return far
    return _first(real.order_by("taken", "position"))


def _unseen(enrolment: Enrolment, study: Study, kind: Kind) -> models.QuerySet[Comparison]:
    seen = Assignment.objects.filter(enrolment=enrolment, comparison=OuterRef("pk"), state__in=SEEN)
    return Comparison.objects.filter(~Exists(seen), study=study, kind=kind)


def _first(queryset: models.QuerySet[Comparison]) -> Comparison | None:
    return queryset.select_for_update(of=("self",), skip_locked=True).first()


def _gold_is_due(enrolment: Enrolment, study: Study) -> bool:
    """An early gold item, then one after each 1/share comparisons, up to the study's maximum."""
    if not study.gold_share or not study.gold_max:
        return False
    done = enrolment.submitted
    if done == 0:
        return False  # the first page is never a check
    given = Assignment.objects.filter(
        enrolment=enrolment, comparison__kind=Kind.GOLD, state__in=SEEN
    ).count()
    return given < min(study.gold_max, 1 + done * study.gold_share)
