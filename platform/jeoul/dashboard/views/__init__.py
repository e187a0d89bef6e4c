"""One module per room of the dashboard."""
