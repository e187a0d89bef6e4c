"""Who calls the API in tests."""

import pytest

from tests import factories
from tests.api.caller import Caller


@pytest.fixture
def caller():
    return Caller(factories.make_user())
