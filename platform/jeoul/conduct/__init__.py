"""Conducting a study: the plan before it, the figures and alerts while it runs."""
