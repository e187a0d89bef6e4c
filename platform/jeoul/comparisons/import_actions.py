"""Storing judgements made elsewhere, in a study of their own or in one that knows their items."""

import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from jeoul.accounts.actions import record
from jeoul.accounts.models import User
from jeoul.base import InvalidInput
from jeoul.comparisons.import_study import criterion_key, study_for
from jeoul.comparisons.importing import JudgementRow, parse_judgements
from jeoul.comparisons.models import (
    Answer,
    Assignment,
    AssignmentState,
    Comparison,
    Judgement,
    Remark,
)
from jeoul.studies.hashing import content_hash
from jeoul.studies.importing import BadRow, BadRows
from jeoul.studies.models import A_WINS, B_WINS, Study
from jeoul.studies.prompt_actions import Imported
from jeoul.studies.reading_files import read_rows
from jeoul.studies.texts_elsewhere import Texts
from jeoul.workers.actions import get_vendor, make_invite
from jeoul.workers.models import Enrolment, Invite, Stage, VendorKind, Worker, WorkerIdentity

_BATCH = 2000


@transaction.atomic
def import_judgements(
    *,
    owner: User,
    study: Study | None,
    text: str,
    kind: str,
    slug: str = "",
    title: str = "",
    scale: int | None = None,
    baseline: str = "",
    take_good: bool = False,
    machine: bool = False,
) -> tuple[Study, Imported]:
    """Store a file's judgements; without ``study`` a new one is made of what the file names.

    ``machine``: the workers are machine judges, whose verdicts are read apart from people's and
    take no place of theirs.

    The same rows again add nothing. Raises BadRows unless ``take_good``, and InvalidInput.
    """
    good, bad = parse_judgements(read_rows(text, kind))
    if not good and not bad:
        raise InvalidInput("The file holds no judgement.", field="file")
    if study is None:
        if bad and not take_good:
            raise BadRows(bad)
        if not good:
            raise BadRows(bad)
        study = study_for(good, owner, slug, title, scale, baseline)
    keeper = _Keeper(study, owner, machine)
    good, unknown = keeper.known(good)
    bad = sorted([*bad, *unknown], key=lambda row: row.number)
    if bad and not take_good:
        raise BadRows(bad)
    added = keeper.store(good)
    record(
        actor=owner,
        verb="judgements.import",
        target=study,
        study_uuid=study.uuid,
        data={"added": added, "bad": len(bad)},
    )
    return study, Imported(added, keeper.groups - added, bad)


@dataclass
class _Group:
    """What one worker said of one comparison at one time, over all criteria."""

    rows: list[JudgementRow] = field(default_factory=list)


class _Keeper:
    """Finds or makes what a study's judgements hang on, in few queries for many rows."""

    def __init__(self, study: Study, owner: User, machine: bool = False) -> None:
        self.study, self.owner, self.groups, self.machine = study, owner, 0, machine
        entries = study.entries.select_related("system_version__system")
        self.place = {e.system_version.system.name: e.position for e in entries}
        self.versions = {e.position: e.system_version for e in entries}
        version = study.prompt_set_version
        self.prompts = {p.key: p for p in version.prompts.all()} if version else {}
        self.criteria = {c.key: c for c in study.criteria.all()}
        self.outputs: dict[tuple[str, str, str | None], int] = {}
        self.comparisons: dict[tuple[int, int], tuple[int, int]] = {}

    def known(self, rows: list[JudgementRow]) -> tuple[list[JudgementRow], list[BadRow]]:
        """Rows whose prompt, systems, criterion and step the study has, and the others."""
        good, bad = [], []
        for row in rows:
            reason = self._unknown(row)
            if reason is None:
                good.append(row)
            else:
                bad.append(BadRow(row.number, *reason))
        return good, bad

    def _unknown(self, row: JudgementRow) -> tuple[str, str] | None:
        for name in ("system_a", "system_b"):
            if getattr(row, name) not in self.place:
                return name, f"{getattr(row, name)!r} is no system of this study"
        if row.prompt_id not in self.prompts:
            return "prompt_id", f"{row.prompt_id!r} is no prompt of this study"
        criterion = self.criteria.get(criterion_key(row.criterion))
        if criterion is None:
            return "criterion", f"{row.criterion!r} is no criterion of this study"
        if (row.outcome, row.grade) not in {(s.outcome, s.grade) for s in criterion.steps}:
            return "choice", f"is no step of the criterion's scale of {criterion.scale}"
        if row.graded != (criterion.scale in {5, 7}):
            kind = "numbers" if criterion.scale in {5, 7} else "words"
            return "choice", f"this criterion's scale is in {kind}"
        return None

    def store(self, rows: list[JudgementRow]) -> int:
        """Store the rows' judgements that are new; returns how many."""
        texts = Texts(self.versions, self.place, self.prompts)
        for row in rows:
            texts.want(row.prompt_id, row.system_a, row.output_a)
            texts.want(row.prompt_id, row.system_b, row.output_b)
        self.outputs = texts.store()
        self._add_comparisons(rows)
        groups = self._grouped(rows)
        self.groups = len(groups)
        enrolments = self._enrolments(list(dict.fromkeys(row.worker for row in rows)))
        known = set(
            Judgement.objects.filter(study=self.study, imported=True).values_list(
                "client_key", flat=True
            )
        )
        fresh = [(key, group) for key, group in groups.items() if key not in known]
        for at in range(0, len(fresh), _BATCH):
            self._insert(fresh[at : at + _BATCH], enrolments)
        self._count()
        return len(fresh)

    def _pair(self, row: JudgementRow) -> tuple[int, int]:
        """The two outputs as the row names them."""
        return (
            self.outputs[row.prompt_id, row.system_a, row.output_a],
            self.outputs[row.prompt_id, row.system_b, row.output_b],
        )

    def _comparison(self, row: JudgementRow) -> int:
        a, b = self._pair(row)
        return self.comparisons[min(a, b), max(a, b)][0]

    def _flipped(self, row: JudgementRow) -> bool:
        """Whether the stored comparison has the row's second answer first."""
        a, b = self._pair(row)
        return self.comparisons[min(a, b), max(a, b)][1] != a

    def _add_comparisons(self, rows: list[JudgementRow]) -> None:
        """Make the comparisons that the study lacks, the answers in the file's own order.

        A nominal alpha depends on which answer is called first; the file's order gives the
        figure that its publisher got.
        """
        self.comparisons = self._stored_comparisons()
        position = self.study.comparisons.count()
        new: dict[tuple[int, int], Comparison] = {}
        for row in rows:
            a, b = self._pair(row)
            key = (min(a, b), max(a, b))
            if key in self.comparisons or key in new:
                continue
            new[key] = Comparison(
                study=self.study,
                prompt=self.prompts[row.prompt_id],
                system_a=self.versions[self.place[row.system_a]],
                system_b=self.versions[self.place[row.system_b]],
                output_a_id=a,
                output_b_id=b,
                target=0,
                position=position + len(new),
                ready=True,
            )
        Comparison.objects.bulk_create(new.values(), batch_size=_BATCH)
        self.comparisons = self._stored_comparisons()

    def _stored_comparisons(self) -> dict[tuple[int, int], tuple[int, int]]:
        """Ids and first outputs of the comparisons, by their two outputs in rising order."""
        rows = self.study.comparisons.filter(kind="real")
        return {
            (min(a, b), max(a, b)): (pk, a)
            for pk, a, b in rows.values_list("pk", "output_a_id", "output_b_id")
        }

    def _grouped(self, rows: list[JudgementRow]) -> dict[uuid.UUID, _Group]:
        """Rows of one worker on one comparison together, a second one of a criterion apart."""
        seen: dict[tuple[str, int, str], int] = defaultdict(int)
        gathered: dict[tuple[str, int, int], _Group] = defaultdict(_Group)
        for row in rows:
            comparison = self._comparison(row)
            turn = seen[row.worker, comparison, row.criterion]
            seen[row.worker, comparison, row.criterion] += 1
            gathered[row.worker, comparison, turn].rows.append(row)
        keyed: dict[uuid.UUID, _Group] = {}
        for (worker, comparison, _turn), group in gathered.items():
            content = sorted(
                (r.criterion, r.outcome, r.grade, r.left, r.seconds, r.reason, str(r.created_at),
                 self._flipped(r)) for r in group.rows
            )  # fmt: skip
            copy = 0
            while (key := self._key(worker, comparison, content, copy)) in keyed:
                copy += 1
            keyed[key] = group
        return keyed

    def _key(self, worker: str, comparison: int, content: object, copy: int) -> uuid.UUID:
        """The same row of the same file always gets the same key, so a repeat adds nothing."""
        name = content_hash([worker, comparison, repr(content), copy])
        return uuid.uuid5(self.study.uuid, name)

    def _enrolments(self, names: list[str]) -> dict[str, Enrolment]:
        kind = VendorKind.MACHINE if self.machine else VendorKind.IMPORTED
        name = "Machine judges" if self.machine else "Imported judgements"
        vendor = get_vendor(owner=self.owner, name=name, kind=kind)
        invite = self.study.invites.filter(vendor=vendor).first() or make_invite(
            study=self.study, vendor=vendor
        )
        Invite.objects.filter(pk=invite.pk, closed_at=None).update(closed_at=timezone.now())
        known = {
            i.external_id: i.worker
            for i in WorkerIdentity.objects.filter(
                vendor=vendor, external_id__in=names
            ).select_related("worker")
        }
        missing = [name for name in names if name not in known]
        free = set(missing) - set(
            Worker.objects.filter(pseudonym__in=missing).values_list("pseudonym", flat=True)
        )
        # Ids in a published file are pseudonyms already and are kept where they can be.
        workers = Worker.objects.bulk_create(
            Worker(vendor=vendor, **({"pseudonym": n} if n in free and len(n) <= 40 else {}))
            for n in missing
        )
        WorkerIdentity.objects.bulk_create(
            WorkerIdentity(worker=w, vendor=vendor, external_id=n)
            for n, w in zip(missing, workers, strict=True)
        )
        known |= dict(zip(missing, workers, strict=True))
        Enrolment.objects.bulk_create(
            (
                Enrolment(
                    study=self.study, worker=w, invite=invite, stage=Stage.COMPLETED,
                    finished_at=timezone.now(),
                )
                for w in known.values()
            ),
            ignore_conflicts=True,
        )  # fmt: skip
        stored = Enrolment.objects.filter(study=self.study, worker__in=known.values())
        by_worker = {e.worker_id: e for e in stored}
        return {name: by_worker[w.pk] for name, w in known.items()}

    def _insert(
        self,
        groups: list[tuple[uuid.UUID, _Group]],
        enrolments: dict[str, Enrolment],
    ) -> None:
        now = timezone.now()
        where = [self._comparison(group.rows[0]) for _, group in groups]
        turns = self._turns(groups, where, enrolments)
        assignments = Assignment.objects.bulk_create(
            self._assignment(group.rows[0], comparison, turn, key, now, enrolments)
            for (key, group), comparison, turn in zip(groups, where, turns, strict=True)
        )
        judgements = Judgement.objects.bulk_create(
            self._judgement(group, key, assignment, now, enrolments)
            for (key, group), assignment in zip(groups, assignments, strict=True)
        )
        said = [
            (judgement, row)
            for judgement, (_, group) in zip(judgements, groups, strict=True)
            for row in group.rows
        ]
        Answer.objects.bulk_create(self._answer(judgement, row) for judgement, row in said)
        Remark.objects.bulk_create(
            Remark(judgement=j, criterion=self.criteria[criterion_key(r.criterion)], text=r.reason)
            for j, r in said
            if r.reason
        )

    def _turns(
        self,
        groups: list[tuple[uuid.UUID, _Group]],
        where: list[int],
        enrolments: dict[str, Enrolment],
    ) -> list[int]:
        """How often each worker has judged the comparison before."""
        counted = Assignment.objects.filter(comparison__in=where).values_list(
            "enrolment_id", "comparison_id"
        )
        before: dict[tuple[int, int], int] = {
            (e, c): n for e, c, n in counted.annotate(n=Count("pk"))
        }
        turns = []
        for (_, group), comparison in zip(groups, where, strict=True):
            place = (enrolments[group.rows[0].worker].pk, comparison)
            turns.append(before.get(place, 0))
            before[place] = before.get(place, 0) + 1
        return turns

    def _a_on_left(self, row: JudgementRow) -> bool | None:
        return None if not row.left else (row.left == "a") != self._flipped(row)

    def _assignment(
        self,
        row: JudgementRow,
        comparison: int,
        turn: int,
        key: uuid.UUID,
        now: datetime,
        enrolments: dict[str, Enrolment],
    ) -> Assignment:
        at = row.created_at or now
        return Assignment(
            comparison_id=comparison,
            enrolment=enrolments[row.worker],
            state=AssignmentState.SUBMITTED,
            repeat=turn,
            # Unknown sides are unknown on the judgement, which the analysis reads.
            a_on_left=self._a_on_left(row) is not False,
            reserved_at=at,
            expires_at=at,
            closed_at=at,
            client_key=key,
        )

    def _judgement(
        self,
        group: _Group,
        key: uuid.UUID,
        assignment: Assignment,
        now: datetime,
        enrolments: dict[str, Enrolment],
    ) -> Judgement:
        row = group.rows[0]
        return Judgement(
            study=self.study,
            comparison_id=assignment.comparison_id,
            assignment=assignment,
            worker_id=enrolments[row.worker].worker_id,
            client_key=key,
            payload_hash=content_hash([(r.criterion, r.outcome, r.grade) for r in group.rows]),
            judged_at=row.created_at or now,
            seconds=row.seconds,
            a_on_left=self._a_on_left(row),
            imported=True,
        )

    def _answer(self, judgement: Judgement, row: JudgementRow) -> Answer:
        swap = {A_WINS: B_WINS, B_WINS: A_WINS}
        flipped = self._flipped(row)
        return Answer(
            judgement=judgement,
            criterion=self.criteria[criterion_key(row.criterion)],
            outcome=swap.get(row.outcome, row.outcome) if flipped else row.outcome,
            grade=-row.grade if flipped and row.grade is not None else row.grade,
        )

    def _count(self) -> None:
        """Bring the counters of comparisons and enrolments to what is stored."""
        everything = self.study.judgements.filter(superseded_by=None)
        counted = everything.exclude(worker__vendor__kind=VendorKind.MACHINE)
        many: dict[int, list[int]] = defaultdict(list)
        per = counted.values_list("comparison_id").annotate(n=Count("pk"))
        for pk, n in per:
            many[n].append(pk)
        for n, ids in many.items():
            mine = Comparison.objects.filter(pk__in=ids)
            mine.filter(target__lt=n).update(target=n)
            mine.update(judged=n, taken=n)
        people: dict[int, list[int]] = defaultdict(list)
        for worker, n in everything.values_list("worker_id").annotate(n=Count("pk")):
            people[n].append(worker)
        for n, ids in people.items():
            Enrolment.objects.filter(study=self.study, worker__in=ids).update(submitted=n)
