"""Names of people: found where presidio and a model are installed, and else said to be missing.

Both are an operator's choice, so each installation has the test of what it does: none is skipped.
"""

import pytest
from django.urls import reverse
from jeoul.risk.detectors.names import mark, missing, models, names
from jeoul.risk.scanning import RULES

from tests import factories

TEXT = "Ask Wolfgang Steinbach, he lives next door to Maria Fernandes."

if models():

    def test_names_are_found_and_the_questions_own_are_its_topic():
        found = [TEXT[f.start : f.end] for f in names(TEXT, language="en")]
        assert found == ["Wolfgang Steinbach", "Maria Fernandes"]
        asked = "Who is maria fernandes?"
        assert [TEXT[f.start : f.end] for f in names(TEXT, language="en", asked=asked)] == found[:1]
        assert list(names(TEXT, language="xx")) == []

else:

    @pytest.mark.django_db
    def test_without_the_model_nothing_is_looked_for_and_the_page_says_so(client):
        assert list(names(TEXT, language="en")) == []
        assert (mark(), RULES) == ("", "2")
        assert "pip install" in missing() or "spacy download" in missing()
        study = factories.make_study()
        client.force_login(factories.owner_of(study))
        text = client.get(reverse("review-list", args=[study.uuid])).content.decode()
        assert "Names of people are not looked for" in text
        assert "en_core_web_md" in text  # what it would do, measured
        assert ("pip install" in text) or ("spacy download" in text)
