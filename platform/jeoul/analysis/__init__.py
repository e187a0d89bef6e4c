"""Statistics of pairwise human judgements: arrays in, frozen results out, nothing else."""
