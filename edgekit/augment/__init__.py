"""Variants and crops of photos, as files or as arrays."""
