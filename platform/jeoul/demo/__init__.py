"""The demonstration: its prompts, its study, its simulated crowd. Only actions are called."""
