"""A study with judgements for the pages of the dashboard."""

import pytest
from jeoul.results.actions import analyse_study

from tests import factories


@pytest.fixture
def judged():
    """A running study with a few judgements and its analysis."""
    study = factories.make_study(prompts=6, systems=("alpha", "beta", "gamma"))
    for number in range(3):
        worker = factories.worker_for(study)
        for turn in range(12):
            factories.judge(worker, (1, -1, 0, None)[(number + turn) % 4])
    analyse_study(study=study)
    return study
