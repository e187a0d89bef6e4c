"""What a study needs for its annotators over the API: known items and the ways out."""

import json
from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from jeoul.accounts.models import Scope
from jeoul.accounts.roles import May
from jeoul.api.base import caller, checked, described, study_of
from jeoul.api.serializers import InviteOut
from jeoul.api.shapes import ImportDone, RowsIn
from jeoul.comparisons.known_items import KINDS, import_known_items
from jeoul.crowd.base import OUTCOMES
from jeoul.studies.models import Study
from jeoul.workers.access import get_link
from jeoul.workers.completion import set_completion
from jeoul.workers.models import Invite
from jeoul.workers.vendors import cap_vendor, close_invite


class KnownItemsIn(RowsIn):
    kind = serializers.ChoiceField(
        choices=[(kind.value, kind.value) for kind in KINDS], required=False, default="",
        help_text="of rows that name none",
    )  # fmt: skip


class ExitSetting(serializers.Serializer[Any]):
    """How one outcome ends: a code, an address with {code}, {worker}, {session}, or both."""

    code = serializers.CharField(max_length=200, required=False, allow_blank=True)
    url = serializers.CharField(max_length=1000, required=False, allow_blank=True)


class Completion(serializers.Serializer[Any]):
    """For each outcome how a worker leaves; what is left out shows a code of our own."""

    def get_fields(self) -> dict[str, Any]:
        return {name: ExitSetting(required=False) for name in OUTCOMES}


class ImportKnownItems(GenericAPIView[Any]):
    serializer_class = KnownItemsIn

    @described(ImportDone, status=201, takes=KnownItemsIn)
    def post(self, request: Request, study: UUID) -> Response:
        """Add practice, trial and check items: kind, prompt, output_a, output_b, right."""
        found = study_of(request, study, May.RUN)
        given = checked(self, KnownItemsIn, request)
        done = import_known_items(
            owner=caller(request),
            study=found,
            text="\n".join(json.dumps(row) for row in given["rows"]),
            file_kind="jsonl",
            kind=given["kind"],
            take_good=given["take_good"],
        )
        bad = [row.__dict__ for row in done.bad]
        body = {"id": found.uuid, "added": done.added, "unchanged": done.unchanged, "bad": bad}
        return Response(body, status=201)


class InviteIn(serializers.Serializer[Any]):
    closed = serializers.BooleanField(required=False, help_text="whether nobody new may come by it")
    completion = Completion(required=False, help_text="goes before the vendor's and the study's")
    judgement_cap = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, allow_null=True,
        help_text="judgements of the vendor by all its links to this study",
    )  # fmt: skip


class InviteView(GenericAPIView[Invite]):
    serializer_class = InviteIn
    scope = Scope.RUN

    @described(InviteOut, takes=InviteIn)
    def patch(self, request: Request, study: UUID, link: UUID) -> Response:
        """Close a link or open it again, cap its vendor, and say how those who come by it leave."""
        found = study_of(request, study, May.RUN)
        invite = get_link(found, link)
        given = checked(self, InviteIn, request)
        if "completion" in given:
            value = {name: dict(setting) for name, setting in given["completion"].items()}
            set_completion(home=invite, value=value, actor=caller(request))
        if "judgement_cap" in given:
            cap = given["judgement_cap"]
            cap_vendor(study=found, vendor=invite.vendor, actor=caller(request), cap=cap)
            invite.refresh_from_db(fields=["judgement_cap"])
        if "closed" in given:
            close_invite(invite=invite, actor=caller(request), closed=given["closed"])
        return Response(InviteOut(invite).data)


class StudyCompletion(GenericAPIView[Study]):
    serializer_class = Completion
    # To read too: a token that only reads must not learn what the codes are.
    scope = Scope.RUN

    @described(Completion)
    def get(self, request: Request, study: UUID) -> Response:
        """How workers leave; codes are worth money, so only those who may run it read them."""
        return Response(study_of(request, study, May.RUN).completion)

    @described(Completion, takes=Completion)
    def put(self, request: Request, study: UUID) -> Response:
        """Set how workers leave, for all outcomes at once."""
        found = study_of(request, study, May.RUN)
        given = checked(self, Completion, request)
        value = {name: dict(setting) for name, setting in given.items()}
        set_completion(home=found, value=value, actor=caller(request))
        return Response(value)
