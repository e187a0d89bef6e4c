"""Nothing a worker's browser receives tells which system wrote which side."""

import re

import pytest
from django.db import connection
from jeoul.comparisons.models import Assignment, Comparison
from jeoul.studies.models import Output, Prompt, Study, System, SystemVersion
from jeoul.workers.models import Enrolment, Invite, Worker

from tests import factories
from tests.annotation import pages

SYSTEMS = ("zorblax-9000", "quuxmind-mini")
# Row numbers begin here, so that one in a page is recognised.
FIRST_ROW = 918_273_000
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture
def far_rows(transactional_db):
    """Row numbers that no page shows by chance."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sequencename FROM pg_sequences WHERE sequencename ~ '_id_seq$'")
        for (name,) in cursor.fetchall():
            cursor.execute(f'ALTER SEQUENCE "{name}" RESTART WITH {FIRST_ROW}')


def secrets_of(study: Study) -> list[str]:
    """Every word that would tell a worker more than the texts do."""
    rows = [*System.objects.all(), *SystemVersion.objects.all(), *Output.objects.all()]
    rows += [*Comparison.objects.all(), *Prompt.objects.all(), *Worker.objects.all()]
    rows += [*Enrolment.objects.all(), *Invite.objects.all(), study]
    uuids = {str(row.uuid) for row in rows} | {row.uuid.hex for row in rows}
    hashes = {row.content_hash for row in [*SystemVersion.objects.all(), *Output.objects.all()]}
    names = {*SYSTEMS, "zorblax", "quuxmind", str(FIRST_ROW)[:6]}
    pseudonyms = {worker.pseudonym for worker in Worker.objects.all()}
    return [word for word in names | uuids | hashes | pseudonyms if word]


@pytest.mark.browser
def test_no_byte_tells_a_system_or_a_row(tab, invite_url, far_rows):
    study = pages.rich_study(systems=SYSTEMS)
    texts = []

    def read(route):
        answer = route.fetch(max_redirects=0)
        head = "\n".join(f"{h['name']}: {h['value']}" for h in answer.headers_array)
        texts.append(f"{route.request.url}\n{head}\n{answer.text()}")
        route.fulfill(response=answer)

    tab.route("**/*", read)
    for _ in pages.walk(tab, study, invite_url(study)):
        assert texts
    everything = "\n".join(texts).lower()
    assert "completion-code" in everything
    leaked = [word for word in secrets_of(study) if word.lower() in everything]
    assert leaked == []


def _skeleton(html: str) -> str:
    """A page without the texts of its answers: what a cheating program would read."""
    html = re.sub(
        r'(<div class="answer-body"[^>]*>).*?(</section>)', r"\1\2", html, flags=re.DOTALL
    )
    return re.sub(r"Question \d+\?|Comparison \d+ of \d+|value=\"\d+\"", "", html)


@pytest.mark.django_db
def test_pages_without_their_texts_are_the_same_whichever_side_a_system_is_on(client, at_work):
    study = factories.make_study(prompts=30, overlap=1, systems=SYSTEMS)
    enrolment, url = at_work(study)
    seen = {True: [], False: []}
    ids = {True: [], False: []}
    for _ in range(30):
        html = client.get(url).content.decode()
        held = Assignment.objects.get(enrolment=enrolment, state="reserved")
        ids[held.a_on_left].append(_UUID.findall(html)[0])
        seen[held.a_on_left].append(_UUID.sub("", _skeleton(html)))
        factories.judge(enrolment)
    assert abs(len(seen[True]) - len(seen[False])) <= 2
    # The first page has no "change my last answer" yet; beyond that there is one page only.
    later = [*seen[True], *seen[False]]
    assert len(set(later)) == 2
    assert sum(later.count(page) == 1 for page in set(later)) == 1
    # Random ids: their order says nothing. The sides interleave, or the odds are 1 in 10 million.
    order = [side for _, side in sorted((i, side) for side in ids for i in ids[side])]
    assert order not in (sorted(order), sorted(order, reverse=True))
    assert all(uid[14] == "4" for side in ids for uid in ids[side]), "random UUIDs only"


@pytest.mark.django_db
def test_headers_ask_for_no_cache_and_give_no_referrer(client, at_work):
    study = factories.make_study()
    _, url = at_work(study)
    headers = client.get(url).headers
    assert "no-store" in headers["Cache-Control"]
    assert headers["Referrer-Policy"] == "same-origin"
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "Set-Cookie" not in headers


@pytest.mark.django_db
def test_another_workers_comparison_is_not_there(client, at_work):
    study = factories.make_study()
    _, mine = at_work(study)
    other, _ = at_work(study)
    held = Assignment.objects.filter(enrolment=other)
    factories.judge(other)
    stranger = held.first().uuid
    for verb in ("submit", "skip", "report", "draft", "heartbeat"):
        address = mine.replace("compare/", f"{stranger}/{verb}/")
        assert client.post(address, {"kind": "harmful"}).status_code == 404
