"""Runs side by side, and many cross-validations by one file: what backbones, sides and heads buy and cost."""
