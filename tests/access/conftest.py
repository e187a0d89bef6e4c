"""The browser of the annotator's tests, whose contexts fail on any error or policy violation."""

from tests.annotation.conftest import chromium, open_context

__all__ = ["chromium", "open_context"]
