"""Every address of the project, by every kind of visitor, against the table of who may do what."""

import re
import uuid
from dataclasses import dataclass, field

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.utils import timezone
from jeoul.accounts.actions import make_token
from jeoul.accounts.models import AuditEvent
from jeoul.accounts.roles import RIGHTS, May, Role
from jeoul.comparisons.actions import claim_comparison
from jeoul.conduct.models import Alert
from jeoul.quality.models import Flag
from jeoul.results.actions import analyse_study, latest_analysis
from jeoul.risk.models import ReviewItem, Source
from jeoul.studies.actions import set_member
from jeoul.studies.models import (
    Amendment,
    PromptUpload,
    Run,
    SystemVersion,
    VersionTag,
    Watch,
)
from jeoul.studies.systems_actions import create_connection
from jeoul.workers.actions import token_of

from tests import factories
from tests.access.table import TABLE

pytestmark = pytest.mark.django_db
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
MEMBERS = {role.value: RIGHTS[role] for role in Role}
# Without these even the one who may finds nothing to act on.
BODIES = {"prompt-sets/<uuid:prompt_set>/tags/": "version=1&tag=golden"}
QUERIES = {"api/v1/prompt-sets/<uuid:prompt_set>/difference/": "?before=1&after=1"}
SLOT = re.compile(r"<(?:\w+:)?(\w+)>")


def routes(patterns=None, before="") -> list[str]:
    """The routes of the whole project, as they are written in its urls."""
    found = []
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            found.append(route)
        else:
            found += routes(pattern.url_patterns, route)
    return found


def rights(row: str) -> dict[str, str]:
    return dict(part.split() for part in row.split(", "))


def test_every_address_has_a_row_and_every_row_an_address():
    assert sorted(set(routes()) - TABLE.keys()) == [], "say in tests/access/table.py who may"
    assert sorted(TABLE.keys() - set(routes())) == []


@dataclass
class Visitor:
    """Somebody with one credential: a session, an API token, or the token in a worker's link."""

    name: str
    client: Client
    headers: dict[str, str] = field(default_factory=dict)
    link: str = "none"
    role: str = ""
    signed: str = ""  # at which door: "dashboard" or "api"


class Room:
    """Two studies with all that an address may name, and everybody who may come."""

    def __init__(self) -> None:
        self.study = factories.make_study(prompts=3)
        self.other = factories.make_study(prompts=2, systems=("gamma", "delta"))
        owner, other_owner = factories.owner_of(self.study), factories.owner_of(self.other)
        self.worker = factories.worker_for(self.study)
        factories.judge(self.worker)
        self.held = claim_comparison(enrolment_id=self.worker.pk)
        self.colleague = factories.worker_for(self.study)
        self.stranger = factories.worker_for(self.other)
        for enrolment in (self.colleague, self.stranger):
            factories.judge(enrolment)
            claim_comparison(enrolment_id=enrolment.pk)
        analyse_study(study=self.study)
        self.flag = Flag.objects.create(
            study=self.study, worker=self.worker.worker, rule="x", rule_version="1", evidence="y"
        )
        self.alert = Alert.objects.create(
            study=self.study, kind="finished", key="", facts={"judged": 1}
        )
        self.connection = create_connection(
            owner=owner, name="c", base_url="https://models.example/v1", key_env=""
        )
        self.people = {"owner": owner, "other owner": other_owner}
        for role in ("editor", "analyst", "reviewer"):
            self.people[role] = factories.make_user()
            set_member(study=self.study, actor=owner, user=self.people[role], role=Role(role))
        self.token, _ = make_token(user=owner, name="mine")
        self._make_material(owner)

    def _make_material(self, owner) -> None:
        """What the addresses of runs, watches, reviews and uploads name, all the owner's."""
        first = self.study.entries.first().system_version
        second = SystemVersion.objects.get(pk=first.pk)
        second.pk, second.uuid, second.number, second._state.adding = None, uuid.uuid4(), 2, True
        second.save()
        amendment = Amendment.objects.create(
            study=self.study, number=1, by=owner, reason="A new version.", change={}
        )
        Run.objects.create(
            study=self.study, number=1, system_version=second, previous=first, amendment=amendment
        )
        prompts = self.study.prompt_set_version
        self.watch = Watch.objects.create(
            owner=owner, system_version=first, prompts=prompts, next_at=timezone.now(),
            chart="<svg/>",
        )  # fmt: skip
        VersionTag.objects.create(prompt_set=prompts.prompt_set, version=prompts, name="golden")
        self.review = ReviewItem.objects.create(
            study=self.study, source=Source.SCAN, prompt=prompts.prompts.first(), kinds=["harmful"]
        )
        self.upload = PromptUpload.objects.create(
            owner=owner, name="large", kind="jsonl", file_name="large.jsonl"
        )
        charts = latest_analysis(self.study).charts
        self.chart = next(name for name in charts if name.endswith(".svg")).removesuffix(".svg")

    def visitors(self) -> list[Visitor]:
        found = [Visitor("stranger", Client())]
        for name, enrolment in (
            ("worker", self.worker),
            ("another worker", self.colleague),
            ("worker of another study", self.stranger),
        ):
            found.append(Visitor(name, Client(), link=token_of(enrolment)))
        for name, user in self.people.items():
            session = Client()
            session.force_login(user)
            role = name if name in MEMBERS else ""
            found.append(Visitor(f"{name}, signed in", session, role=role, signed="dashboard"))
            key = {"Authorization": f"Bearer {make_token(user=user, name='t')[1]}"}
            found.append(
                Visitor(f"{name}, API token", Client(), headers=key, role=role, signed="api")
            )
        return found

    def address(self, route: str, visitor: Visitor) -> str:
        """The route with the ids of this room's first study."""
        output = self.study.comparisons.first().output_a
        items = {
            "outputs": output.uuid,
            "comparisons": self.held.comparison.uuid,
            "judgements": self.study.judgements.first().uuid,
            "review": self.review.uuid,
            "review-items": self.review.uuid,
            "audit": AuditEvent.objects.filter(study_uuid=self.study.uuid).first().uuid,
        }
        values: dict[str, object] = {
            "output": output.uuid,
            "upload": self.upload.uuid,
            "watch": self.watch.uuid,
            "tag": "golden",
            "vendor": self.worker.invite.vendor.uuid,
            "link": self.worker.invite.uuid,
            "number": 1,
            "study": self.study.uuid,
            "comparison": self.held.comparison.uuid,
            "worker": self.worker.worker.pseudonym,
            "flag": self.flag.uuid,
            "alert": self.alert.uuid,
            "prompt_set": self.study.prompt_set_version.prompt_set.uuid,
            "system": self.study.entries.first().system_version.system.uuid,
            "connection": self.connection.uuid,
            "invite": self.worker.invite.token,
            "assignment": self.held.uuid,
            "name": self.chart,
            "what": "judgements",
            "form": "svg" if "charts" in route else "csv",
            "token": visitor.link if route.startswith("w/") else self.token.uuid,
        }
        if "<uuid:item>" in route:
            values["item"] = items[route.split("<uuid:item>")[0].strip("/").split("/")[-1]]
        return f"/{SLOT.sub(lambda match: str(values[match[1]]), route)}{QUERIES.get(route, '')}"

    def ask(self, visitor: Visitor, method: str, address: str, body: str = "") -> str:
        """What the visitor gets: let in, shown the door, or told that nothing is there."""
        # Signing out must not take the cookie from what is asked next.
        kept = visitor.client.cookies.output(header="", sep=";")
        with transaction.atomic():
            answer = visitor.client.generic(
                method, address, headers=visitor.headers | {"Idempotency-Key": str(uuid.uuid4())},
                data="{}" if address.startswith("/api/") else body,
                content_type="application/json" if address.startswith("/api/")
                else "application/x-www-form-urlencoded",
            )  # fmt: skip
            transaction.set_rollback(True)
        visitor.client.cookies.load(kept)
        cache.clear()
        status, place = answer.status_code, answer.headers.get("Location", "")
        if status == 401 or place.startswith("/login/?next="):
            return "sign in"
        return {403: "forbidden", 404: "nothing there", 405: "no such method"}.get(status, "in")


def expected(room: Room, visitor: Visitor, route: str, right: str) -> str:
    """What the table says that this visitor gets."""
    if right == "PUBLIC":
        return "in"
    if right == "LINK":
        mine = visitor.name == "worker"
        # Their own link lets every worker into their own pages, and to nobody else's comparison.
        return "in" if mine or (visitor.link != "none" and "assignment" not in route) else (
            "nothing there"
        )  # fmt: skip
    door = "api" if route.startswith("api/") else "dashboard"
    if visitor.signed != door:
        return "sign in"
    if right == "SIGNED":
        return "in"
    if right == "MINE":
        return "in" if visitor.role == "owner" else "nothing there"
    if not visitor.role:
        return "nothing there"
    if right == "USED":
        return "in"
    return "in" if May[right] in MEMBERS[visitor.role] else "forbidden"


def test_everybody_gets_what_the_table_says_and_nothing_else():
    room = Room()
    wrong = []
    for visitor in room.visitors():
        for route, row in TABLE.items():
            address = room.address(route, visitor)
            for method, right in rights(row).items():
                got = room.ask(visitor, method, address, BODIES.get(route, ""))
                want = expected(room, visitor, route, right)
                if got != want:
                    wrong.append(f"{method} {route}: {visitor.name} got {got}, not {want}")
    assert not wrong, "\n".join(wrong)


def test_no_method_is_open_that_the_table_does_not_name():
    room = Room()
    owners = [v for v in room.visitors() if v.role == "owner" or v.name in {"worker", "stranger"}]
    wrong = []
    for route, row in TABLE.items():
        door = "link" if route.startswith("w/") else "api" if route[:4] == "api/" else "dashboard"
        visitor = next((v for v in owners if v.signed == door), owners[0])
        if door == "link" or set(rights(row).values()) == {"PUBLIC"}:
            visitor = next(
                v for v in owners if v.name == ("worker" if door == "link" else "stranger")
            )
        address = room.address(route, visitor)
        for method in set(METHODS) - rights(row).keys():
            if door == "link" and method == "GET":
                continue  # a form's address that is opened again leads back to its page
            got = room.ask(visitor, method, address)
            if got != "no such method":
                wrong.append(f"{method} {route} gives {got}")
    assert not wrong, "\n".join(wrong)


def test_an_ended_link_and_an_old_one_open_nothing(client, monkeypatch):
    study = factories.make_study()
    ended, old = factories.worker_for(study), factories.worker_for(study)
    address = {e: f"/w/{token_of(e)}/compare/" for e in (ended, old)}
    assert all(client.get(url).status_code == 200 for url in address.values())
    type(ended).objects.filter(pk=ended.pk).update(token_round=1)
    assert client.get(address[ended]).status_code == 404
    fresh = type(ended).objects.get(pk=ended.pk)
    assert client.get(f"/w/{token_of(fresh)}/compare/").status_code == 200
    monkeypatch.setattr("jeoul.workers.actions.TOKEN_DAYS", -1)
    assert client.get(address[old]).status_code == 404
    # Another's id under one's own signature is no link.
    forged = address[old].replace(token_of(old)[:20], token_of(fresh)[:20])
    assert client.get(forged).status_code == 404
    assert client.get(f"/w/{uuid.uuid4()}/compare/").status_code == 404
