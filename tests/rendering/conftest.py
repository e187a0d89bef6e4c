"""The browser of the annotator's tests."""

from tests.annotation.conftest import at_work, chromium, open_context, tab

__all__ = ["at_work", "chromium", "open_context", "tab"]
