"""Stage 2: a network is fine-tuned on photos."""
