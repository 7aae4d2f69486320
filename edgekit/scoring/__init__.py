"""Photos and model files to scores, and scores to an operating point."""
