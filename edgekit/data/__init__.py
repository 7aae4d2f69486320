"""Stage 1: photos, their records, checks and splits, and the demo's simulated photos."""
