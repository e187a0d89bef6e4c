"""What would break the house without a sound."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from jeoul.accounts.models import AuditEvent
from jeoul.comparisons.chain import seal_study, verify_study
from jeoul.comparisons.models import Answer, ChainLink, Judgement

from tests import factories

ROOT = Path(__file__).resolve().parents[2]


def test_the_folder_platform_hides_no_module():
    assert not (ROOT / "platform" / "__init__.py").exists()
    done = subprocess.run(
        [sys.executable, "-c", "import platform, uuid; print(platform.system(), uuid.uuid4())"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip()


@pytest.mark.django_db
@pytest.mark.parametrize("model", [Judgement, Answer, ChainLink, AuditEvent])
@pytest.mark.parametrize("verb", ["update", "delete"])
def test_the_database_refuses_to_change_what_was_said(model, verb):
    study = factories.make_study()
    factories.judge(factories.worker_for(study))
    seal_study(study=study)
    rows = model.objects.all()
    assert rows.exists()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        if verb == "update":
            field = model._meta.concrete_fields[-1].attname
            model.objects.update(**{field: F(field)})
        else:
            model.objects.all()._raw_delete(using="default")


@pytest.mark.django_db
def test_tampering_past_the_trigger_shows_in_the_chain():
    study = factories.make_study()
    worker = factories.worker_for(study)
    for _ in range(3):
        factories.judge(worker)
    assert seal_study(study=study) == 3
    assert verify_study(study=study).broken_at is None
    with connection.cursor() as cursor:
        # As a superuser could: past every trigger.
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE comparisons_answer SET outcome = 1, grade = -1 WHERE judgement_id = %s",
            [study.judgements.order_by("pk")[1].pk],
        )
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert verify_study(study=study).broken_at == 2
