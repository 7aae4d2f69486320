"""Stage 1: a data folder and its split, which every stage reads: rows, checks, look-alikes, groups."""
