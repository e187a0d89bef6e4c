"""The README's ten lines, from a token to a win rate, run as they stand."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from jeoul.results.actions import current_results
from jeoul.studies.actions import OVERALL, CriterionSpec

from tests import factories
from tests.api.caller import Caller

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.django_db(transaction=True)
def test_ten_lines_of_pandas_lead_from_a_token_to_the_win_rate(live_server):
    caller = Caller(factories.make_user(), scopes=["read", "export"])
    further = CriterionSpec(key="safety", name="Safety", question="Which is safer?", scale=4)
    study = factories.make_study(owner=caller.user, criteria=[OVERALL, further])
    worker = factories.worker_for(study)
    for grade in (1, 1, -1, 0):
        factories.judge(worker, grade)
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    lines = [line for line in code.splitlines() if line and not line.startswith("import")]
    assert len(lines) <= 10
    code = code.replace("http://127.0.0.1:8000", live_server.url).replace("jeoul_…", caller.token)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (pair,) = current_results(study=study)["criteria"][0]["pairs"]
    assert re.search(rf"{pair['win_rate_a']:.3f}\d* +4\b", done.stdout), done.stdout
    assert "alpha" in done.stdout
