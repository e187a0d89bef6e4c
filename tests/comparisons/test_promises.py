"""Promises 1 to 3 under load: nothing acknowledged is lost, nothing doubled, no overlap broken."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from django.db import connection
from jeoul import local
from jeoul.comparisons.actions import (
    InFlight,
    NothingLeft,
    claim_comparison,
    submit_judgement,
)
from jeoul.comparisons.models import Assignment, Judgement
from jeoul.comparisons.pairing import MAX_LEAD

from tests import factories
from tests.waiting import PATIENCE, answers, until

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]


def in_threads(work, arguments, threads=12):
    """Run ``work`` in threads that close their own database connections."""

    def one(argument):
        try:
            return work(argument)
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, arguments))


def test_many_workers_at_once_fill_the_overlap_exactly():
    study = factories.make_study(prompts=8, systems=("a", "b", "c"), overlap=3)
    workers = [factories.worker_for(study) for _ in range(12)]
    start = threading.Barrier(12)
    over = []

    def work(enrolment):
        start.wait()
        done, end = 0, time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                held = claim_comparison(enrolment_id=enrolment.pk)
            except NothingLeft as nothing:
                if nothing.final:
                    break
                time.sleep(0.01)
                continue
            if held.comparison.taken > held.comparison.target:
                over.append(held.pk)
            submit_judgement(
                assignment=held, client_key=uuid.uuid4(), answers=factories.say(study, 1)
            )
            done += 1
        return done

    total = sum(in_threads(work, workers))
    assert total == 8 * 3 * 3
    assert not over
    assert set(study.comparisons.values_list("taken", "judged", "target")) == {(3, 3, 3)}
    pairs = Counter(Judgement.objects.values_list("worker_id", "comparison_id"))
    assert max(pairs.values()) == 1


def test_sides_are_balanced_for_each_worker_and_pair():
    study = factories.make_study(prompts=12, systems=("a", "b", "c"), overlap=2)
    for _ in range(3):
        worker = factories.worker_for(study)
        for _turn in range(20):
            factories.judge(worker)
        sides = Counter()
        for held in Assignment.objects.filter(enrolment=worker).select_related("comparison"):
            pair = (held.comparison.system_a_id, held.comparison.system_b_id)
            sides[pair] += 1 if held.a_on_left else -1
        assert max(abs(n) for n in sides.values()) <= MAX_LEAD


def test_one_submit_from_eight_threads_is_one_judgement():
    study = factories.make_study()
    held = claim_comparison(enrolment_id=factories.worker_for(study).pk)
    key, answers = uuid.uuid4(), factories.say(study, 1)

    def send(_):
        def stored():
            try:
                return submit_judgement(assignment=held, client_key=key, answers=answers)[0].pk
            except InFlight:
                return None

        return until(stored)

    assert len(set(in_threads(send, range(8), threads=8))) == 1
    assert Judgement.objects.count() == 1


class Annotator:
    """Follows the pages as a browser without JavaScript does, and repeats what got no answer."""

    def __init__(self, base: str, invite: str) -> None:
        self.base, self.invite, self.acknowledged = base, invite, []

    def send(self, browser, method, url, **body):
        def answered():
            try:
                answer = browser.request(method, url, **body)
            except httpx.TransportError:
                return None
            return None if answer.status_code in {409, 500, 502, 503} else answer

        return until(answered, lambda: f"no answer from {url}")

    def run(self, stop: threading.Event) -> None:
        with httpx.Client(timeout=PATIENCE) as browser:
            home = self.send(browser, "POST", f"{self.base}/join/{self.invite}/")
            place = self.base + home.headers["location"]
            self.send(browser, "POST", f"{place}consent/", data={"decision": "agree"})
            while not stop.is_set():
                page = self.send(browser, "GET", f"{place}compare/")
                form = re.search(r'action="([^"]+/submit/)"', page.text)
                if form is None:
                    return
                key = re.search(r'name="client_key" value="([^"]+)"', page.text).group(1)
                body = {"client_key": key, "choice_overall": "first"}
                answer = self.send(browser, "POST", self.base + form.group(1), data=body)
                if answer.status_code == 303:
                    self.acknowledged.append(key)


def start_web(env, port, log):
    return subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "jeoul.wsgi", "--bind", f"127.0.0.1:{port}",
         "--workers", "2", "--threads", "4", "--no-control-socket"],
        cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip


def wait_until_up(port):
    until(lambda: answers(f"http://127.0.0.1:{port}/healthz"))


def test_no_acknowledged_judgement_is_lost_when_the_web_server_is_killed(process_env, tmp_path):
    study = factories.make_study(prompts=40, systems=("a", "b"), overlap=4)
    factories.worker_for(study)
    invite = study.invites.first().token
    port = local.free_port()
    stop = threading.Event()
    crowd = [Annotator(f"http://127.0.0.1:{port}", invite) for _ in range(6)]
    with (tmp_path / "web.log").open("ab") as log:
        web = start_web(process_env, port, log)
        try:
            wait_until_up(port)
            threads = [threading.Thread(target=a.run, args=(stop,)) for a in crowd]
            for thread in threads:
                thread.start()
            for _ in range(2):
                before = Judgement.objects.count()
                until(lambda enough=before + 15: Judgement.objects.count() >= enough)
                os.killpg(web.pid, signal.SIGKILL)
                web.wait()
                web = start_web(process_env, port, log)
                wait_until_up(port)
            until(lambda: not any(thread.is_alive() for thread in threads))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
            os.killpg(web.pid, signal.SIGKILL)
            web.wait()
    acknowledged = [uuid.UUID(key) for a in crowd for key in a.acknowledged]
    stored = Counter(Judgement.objects.values_list("client_key", flat=True))
    assert len(acknowledged) >= 30
    assert all(stored[key] == 1 for key in acknowledged)
    assert max(stored.values()) == 1
    assert not study.comparisons.filter(judged__gt=4).exists()
    for comparison in study.comparisons.all():
        assert comparison.judgements.count() == comparison.judged
