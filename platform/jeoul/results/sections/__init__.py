"""The parts of a study's results: each takes votes or facts and gives plain data for JSON."""
