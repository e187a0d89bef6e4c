"""How much of a prompt set stands in a training corpus: by published rules, over many GB."""
