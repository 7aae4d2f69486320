"""Stage 4: a run becomes one TFLite file, behind a gate against lost accuracy."""
