"""Stage 5a: what a model gets right, on photos that may judge it."""
