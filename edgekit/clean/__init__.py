"""What of a run, or of a cross-validation, can be computed again, listed and removed."""
