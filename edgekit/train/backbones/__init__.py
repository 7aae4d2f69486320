"""Backbones by name: one file for each family, with its graph and all that is known of it."""
