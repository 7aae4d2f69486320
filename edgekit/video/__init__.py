"""Frames from files and cameras, a verdict for each, and the picture with the verdict drawn in.

``source`` says what a source of frames is, ``opencv`` and ``picamera`` are the ones there are, ``newest`` keeps up with
a source that doesn't wait, ``watch`` classifies, ``draw`` shows, ``writer`` keeps.
"""
