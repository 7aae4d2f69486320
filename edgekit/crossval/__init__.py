"""The whole chain once a fold: every photo is tested by a model that never saw its group."""
