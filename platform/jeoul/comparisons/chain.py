"""The hash chain over a study's judgements: who changes one breaks every later link.

Links are made in batches by a sweep, so that submits of one study do not wait for each other.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from jeoul.comparisons.models import ChainLink, Judgement
from jeoul.studies.hashing import content_hash
from jeoul.studies.models import Study


@dataclass(frozen=True)
class Verdict:
    """What a check of a chain found; ``broken_at`` is the first bad link's number."""

    links: int
    unlinked: int
    broken_at: int | None = None


def content_of(judgement: Judgement) -> dict[str, Any]:
    """What a link vouches for."""
    return {
        "uuid": str(judgement.uuid),
        "comparison": judgement.comparison_id,
        "worker": judgement.worker_id,
        "supersedes": judgement.supersedes_id,
        "payload": judgement.payload_hash,
        "judged_at": judgement.judged_at.isoformat(),
        "a_on_left": judgement.a_on_left,
        "answers": sorted(
            (a.criterion_id, a.outcome, a.grade, a.chips) for a in judgement.answers.all()
        ),
    }


def next_digest(digest: str, content: dict[str, Any]) -> str:
    """The digest of the link that follows one with ``digest``."""
    return hashlib.sha256(f"{digest}:{content_hash(content)}".encode()).hexdigest()


def _next(digest: str, judgement: Judgement) -> str:
    return next_digest(digest, content_of(judgement))


@transaction.atomic
def seal_study(*, study: Study, limit: int = 5000) -> int:
    """Link the study's judgements that have no link; returns how many. Locks the study."""
    Study.objects.select_for_update().get(pk=study.pk)
    last = study.chain.order_by("-number").first()
    number, digest = (last.number, last.digest) if last else (0, str(study.uuid))
    links = []
    waiting = Judgement.objects.filter(study=study, link=None).order_by("pk")
    for judgement in waiting.prefetch_related("answers")[:limit]:
        number += 1
        digest = _next(digest, judgement)
        links.append(ChainLink(study=study, number=number, judgement=judgement, digest=digest))
    ChainLink.objects.bulk_create(links, batch_size=1000)
    return len(links)


def seal_all() -> int:
    """Link all studies' new judgements."""
    ids = Judgement.objects.filter(link=None).values_list("study_id", flat=True).distinct()
    return sum(seal_study(study=study) for study in Study.objects.filter(pk__in=list(ids)))


def verify_study(*, study: Study) -> Verdict:
    """Compute the chain again and compare each link."""
    digest = str(study.uuid)
    count = 0
    links = study.chain.select_related("judgement").prefetch_related("judgement__answers")
    for link in links.order_by("number").iterator(chunk_size=1000):
        count += 1
        digest = _next(digest, link.judgement)
        if link.digest != digest or link.number != count:
            return Verdict(count, 0, link.number)
    return Verdict(count, Judgement.objects.filter(study=study, link=None).count())
