"""How large a photo may be: what is beyond is refused before it takes memory."""

from __future__ import annotations

from edgekit.errors import PhotoError

# Pillow warns from 89.5 million on; phones that can shoot more also offer less.
MAX_PIXELS = 80_000_000
MAX_FILE_BYTES = 200_000_000
# Encoders write about ten. As many as libtiff allows a JPEG in a TIFF (LIBTIFF_JPEG_MAX_ALLOWED_SCAN_NUMBER).
MAX_SCANS = 100
# All metadata that fit into the largest file take some three thousand full segments.
MAX_SEGMENTS = 10_000
# Less shows nothing; a verdict on it would be a guess.
MIN_SIDE_PX = 8


def check_size(name: str, size_wh: tuple[int, int]) -> None:
    """Hold the limit on pixels.

    Raises:
        PhotoError: none, or more than MAX_PIXELS.
    """
    if min(size_wh) < 1 or size_wh[0] * size_wh[1] > MAX_PIXELS:
        raise PhotoError(f"{name}: a photo must have 1 to {MAX_PIXELS} pixels, got {size_wh[0]}x{size_wh[1]}")
