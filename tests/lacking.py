"""What a machine may lack: the tests that need it say so and skip, but fail where CI is true."""

import os
from pathlib import Path
from typing import NoReturn

import pytest

# Beside the project; JEOUL_DATA names another place, for a work tree that lies elsewhere.
DATA = Path(os.environ.get("JEOUL_DATA", Path(__file__).parents[2] / "shared" / "data"))


def lacking(message: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def published_set(name: str) -> Path:
    """The folder of a published set of judgements, none of which is in the repository."""
    folder = DATA / name
    if not folder.exists():
        lacking(f"{folder} is missing: what was published of {name} is not checked")
    return folder
