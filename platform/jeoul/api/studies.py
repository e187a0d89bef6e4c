"""Making, starting and changing studies over the API."""

import json
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from jeoul.accounts.models import Scope, User
from jeoul.accounts.roles import May
from jeoul.api import examples
from jeoul.api import serializers as s
from jeoul.api.base import StudyList, caller, checked, described, study_of
from jeoul.api.shapes import ImportDone, RowsIn
from jeoul.base import InvalidInput
from jeoul.comparisons.building import build_comparisons, retarget
from jeoul.comparisons.import_actions import import_judgements
from jeoul.comparisons.standing import reassess
from jeoul.quality.actions import decide_flag, exclude_worker, include_worker
from jeoul.quality.standing import set_standing
from jeoul.results.access import get_flag, get_worker
from jeoul.studies.access import get_prompt_set, get_system_version, studies_for
from jeoul.studies.actions import (
    CriterionSpec,
    amend_study,
    create_study,
    must_be_draft,
    set_criteria,
    set_systems,
    update_draft,
)
from jeoul.studies.generation.actions import outputs_due
from jeoul.studies.generation.control import retry_failed
from jeoul.studies.models import Amendment, Study, StudyState
from jeoul.studies.running import due_outputs, move_study
from jeoul.workers.actions import get_vendor, make_invite
from jeoul.workers.models import Invite
from tasks.generation import enqueue

_ENQUEUED = 1000


def _full(studies: QuerySet[Study]) -> QuerySet[Study]:
    return studies.select_related("prompt_set_version__prompt_set").prefetch_related(
        "entries__system_version__system", "entries__system_version__connection", "criteria"
    )


class Studies(ListAPIView[Study]):
    """Studies on which you have a role."""

    key_required = True
    queryset = Study.objects.none()
    serializer_class = s.StudyOut
    filterset_fields = ("state", "slug", "simulated", "imported")

    def get_queryset(self) -> QuerySet[Study]:
        return _full(studies_for(caller(self.request)))

    @described(s.StudyOut, status=201, takes=s.StudyIn, given=examples.STUDY_IN, keyed=True)
    def post(self, request: Request) -> Response:
        """Make a draft."""
        given, user = checked(self, s.StudyIn, request), caller(request)
        prompt_set = given.pop("prompt_set")
        baseline = given.pop("baseline")
        study = create_study(
            owner=user,
            title=given.pop("title"),
            slug=given.pop("slug"),
            prompts=get_prompt_set(user, prompt_set).latest() if prompt_set else None,
            systems=[get_system_version(user, uuid) for uuid in given.pop("systems")],
            baseline=get_system_version(user, baseline) if baseline else None,
            criteria=[CriterionSpec(**c) for c in given.pop("criteria")],
            settings=given,
        )
        return Response(s.StudyOut(_full(Study.objects.filter(pk=study.pk)).get()).data, status=201)


class StudyDetail(GenericAPIView[Study]):
    serializer_class = s.StudyOut

    @described(s.StudyOut)
    def get(self, request: Request, study: UUID) -> Response:
        """One study with its plan."""
        return Response(s.StudyOut(study_of(request, study)).data)

    @described(s.StudyOut, takes=s.StudyPatch, keyed=False)
    def patch(self, request: Request, study: UUID) -> Response:
        """Change a draft; a study that ran is changed by an amendment."""
        found, user = study_of(request, study, May.RUN), caller(request)
        given = checked(self, s.StudyPatch, request)
        _change_draft(found, user, given)
        return Response(s.StudyOut(_full(Study.objects.filter(pk=found.pk)).get()).data)


@transaction.atomic
def _change_draft(study: Study, user: User, given: dict[str, Any]) -> None:
    must_be_draft(study)
    systems, baseline = given.pop("systems", None), given.pop("baseline", None)
    criteria = given.pop("criteria", None)
    if "prompt_set" in given:
        prompt_set = given.pop("prompt_set")
        given["prompt_set_version"] = (
            get_prompt_set(user, prompt_set).latest() if prompt_set else None
        )
    if baseline and systems is None:
        raise InvalidInput("Give the systems together with their baseline.", field="systems")
    if systems is not None:
        set_systems(
            study=study,
            systems=[get_system_version(user, uuid) for uuid in systems],
            baseline=get_system_version(user, baseline) if baseline else None,
        )
    if criteria is not None:
        set_criteria(study=study, criteria=[CriterionSpec(**c) for c in criteria])
    update_draft(study=study, actor=user, settings=given)


class _Move(GenericAPIView[Study]):
    scope = Scope.RUN
    serializer_class = s.StudyOut
    to: StudyState

    @described(s.StudyOut, keyed=False)
    def post(self, request: Request, study: UUID) -> Response:
        """Change the study's state; a repeat changes nothing."""
        found = study_of(request, study, May.RUN)
        move_study(study=found, to=self.to, actor=caller(request))
        if self.to == StudyState.RUNNING:
            prepare(found)
        return Response(s.StudyOut(found).data)


class Start(_Move):
    to = StudyState.RUNNING


class Pause(_Move):
    to = StudyState.PAUSED


class Close(_Move):
    to = StudyState.CLOSED


class Archive(_Move):
    to = StudyState.ARCHIVED


def prepare(study: Study) -> tuple[int, int]:
    """Outputs due, comparisons planned, jobs sooner; returns the new ones of both."""
    new = due_outputs(study=study)
    comparisons = build_comparisons(study=study)
    ids = outputs_due(limit=_ENQUEUED, study=study)
    transaction.on_commit(lambda: enqueue(ids))
    return new, comparisons


class Generate(GenericAPIView[Any]):
    scope = Scope.RUN
    serializer_class = s.GenerateDone

    @described(s.GenerateDone, status=202, keyed=False)
    def post(self, request: Request, study: UUID) -> Response:
        """Make what is missing, and try again what failed."""
        found = study_of(request, study, May.RUN)
        again = retry_failed(study=found)
        new, comparisons = prepare(found)
        return Response({"new": new, "again": again, "comparisons": comparisons}, status=202)


class Amendments(StudyList):
    """Changes to the frozen plan, by number, each with its reason."""

    key_required = True
    queryset = Amendment.objects.none()
    serializer_class = s.AmendmentOut

    def get_queryset(self) -> QuerySet[Any]:
        return self.study().amendments.all()

    @described(
        s.AmendmentOut, status=201, takes=s.AmendmentIn, given=examples.AMENDMENT_IN, keyed=True
    )
    def post(self, request: Request, study: UUID) -> Response:
        """Change a frozen plan, with a reason."""
        found = study_of(request, study, May.RUN)
        change = checked(self, s.AmendmentIn, request)
        reason = change.pop("reason")
        if not change:
            raise InvalidInput("Say what is to change.", field="overlap")
        made = amend_study(study=found, actor=caller(request), reason=reason, change=change)
        if "overlap" in change:
            retarget(study=found, overlap=found.overlap)
        if "pilot_prompts" in change:
            prepare(found)
        if {"risk_policy", "contamination"} & set(change):
            reassess(study=found)
        return Response(s.AmendmentOut(made).data, status=201)


class Invites(StudyList):
    """The links by which workers come."""

    key_required = True
    queryset = Invite.objects.none()
    serializer_class = s.InviteOut
    right = May.RUN

    def get_queryset(self) -> QuerySet[Invite]:
        return self.study().invites.select_related("vendor")

    @described(s.InviteOut, status=201, takes=s.InviteIn, keyed=True)
    def post(self, request: Request, study: UUID) -> Response:
        """Make a link for a vendor's workers."""
        found = study_of(request, study, May.RUN)
        given = checked(self, s.InviteIn, request)
        vendor = get_vendor(owner=caller(request), name=given["vendor"])
        made = make_invite(
            study=found,
            vendor=vendor,
            cap=given.get("cap"),
            judgement_cap=given.get("judgement_cap"),
            provider=given["provider"],
        )
        return Response(s.InviteOut(made).data, status=201)


class ImportJudgements(GenericAPIView[Any]):
    serializer_class = RowsIn

    @described(ImportDone, status=201, takes=RowsIn, given=examples.JUDGEMENTS_IN, keyed=False)
    def post(self, request: Request, study: UUID) -> Response:
        """Import judgements made elsewhere into a study that knows their items."""
        found = study_of(request, study, May.RUN)
        given = checked(self, RowsIn, request)
        _, done = import_judgements(
            owner=caller(request),
            study=found,
            text="\n".join(json.dumps(row) for row in given["rows"]),
            kind="jsonl",
            take_good=given["take_good"],
        )
        bad = [row.__dict__ for row in done.bad]
        body = {"id": found.uuid, "added": done.added, "unchanged": done.unchanged, "bad": bad}
        return Response(body, status=201)


class Exclude(GenericAPIView[Any]):
    serializer_class = s.ReasonIn

    @described(None, status=204, takes=s.ReasonIn, keyed=False)
    def post(self, request: Request, study: UUID, worker: str) -> Response:
        """Leave a worker out of the results, reversibly."""
        found = study_of(request, study, May.RUN)
        exclude_worker(
            study=found,
            worker=get_worker(found, worker),
            actor=caller(request),
            reason=checked(self, s.ReasonIn, request)["reason"],
        )
        return Response(status=204)

    @described(None, status=204, keyed=False)
    def delete(self, request: Request, study: UUID, worker: str) -> Response:
        """Take a worker back into the results."""
        found = study_of(request, study, May.RUN)
        include_worker(study=found, worker=get_worker(found, worker), actor=caller(request))
        return Response(status=204)


class Standing(GenericAPIView[Any]):
    serializer_class = s.StandingIn

    @described(None, status=204, takes=s.StandingIn, keyed=False)
    def put(self, request: Request, study: UUID, worker: str) -> Response:
        """Pause or end a worker's work, with the reason that they read, or let them work again."""
        found = study_of(request, study, May.RUN)
        given = checked(self, s.StandingIn, request)
        set_standing(study=found, worker=get_worker(found, worker), actor=caller(request), **given)
        return Response(status=204)


class DecideFlag(GenericAPIView[Any]):
    serializer_class = s.FlagIn

    @described(s.FlagOut, takes=s.FlagIn, keyed=False)
    def patch(self, request: Request, study: UUID, flag: UUID) -> Response:
        """Uphold or dismiss a flag; this excludes nobody."""
        found = get_flag(study_of(request, study, May.ADJUDICATE), flag)
        state = checked(self, s.FlagIn, request)["state"]
        decide_flag(flag=found, state=state, actor=caller(request))
        return Response(s.FlagOut(found).data)
