"""What a vendor agreed to beside what its workers did, study by study."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Max, Min

from jeoul.analysis.intervals import clopper_pearson
from jeoul.results.actions import latest_analysis
from jeoul.studies.models import Study
from jeoul.workers.models import Invite, Vendor


@dataclass(frozen=True)
class VendorWork:
    """A vendor's part in one study; the checks with their exact 95 % interval."""

    study: Study
    workers: int
    judgements: int
    gold_right: int
    gold_n: int
    gold_low: float | None
    gold_high: float | None
    days: float | None
    # None where nothing was agreed, or too little is known to say.
    short_of_accuracy: bool | None
    late: bool | None


def work_of(vendor: Vendor) -> list[VendorWork]:
    """The studies that this vendor has links to, the newest first."""
    ids = Invite.objects.filter(vendor=vendor).values("study")
    return [_work(vendor, study) for study in Study.objects.filter(pk__in=ids).order_by("-pk")[:50]]


def _work(vendor: Vendor, study: Study) -> VendorWork:
    analysis = latest_analysis(study)
    rows: list[dict[str, Any]] = analysis.results["workers"] if analysis else []
    mine = [row for row in rows if row["vendor"] == vendor.name]
    right, n = (sum(row[key] for row in mine) for key in ("gold_right", "gold_n"))
    low, high = clopper_pearson(right, n) if n else (None, None)
    days = _days(vendor, study)
    agreed, limit = vendor.agreed_accuracy, vendor.agreed_days
    return VendorWork(
        study=study,
        workers=len(mine),
        judgements=sum(row["n"] for row in mine),
        gold_right=right,
        gold_n=n,
        gold_low=low,
        gold_high=high,
        days=days,
        # Only where chance does not explain it.
        short_of_accuracy=None if agreed is None or high is None else high < agreed,
        late=None if limit is None or days is None else days > limit,
    )


def _days(vendor: Vendor, study: Study) -> float | None:
    """From the first link to the last judgement that came by it, in days."""
    opened = Invite.objects.filter(vendor=vendor, study=study).aggregate(at=Min("created_at"))["at"]
    last = study.judgements.filter(worker__vendor=vendor).aggregate(at=Max("judged_at"))["at"]
    return (last - opened).total_seconds() / 86_400 if last and opened else None
