"""How large a photo may be: what is beyond is refused before it takes memory or time."""

from __future__ import annotations

from edgekit.errors import PhotoError

# Of the picture as it is decoded: a JPEG is decoded at down to an eighth of its sides, where that is enough.
MAX_PIXELS = 80_000_000
# What is held to decode a photo, its file not counted: ten bytes for each of MAX_PIXELS. The picture takes four,
# another copy of it, where one is needed, four more.
MAX_DECODED_BYTES = 800_000_000
MAX_FILE_BYTES = 200_000_000
# Encoders write about ten. As many as libtiff allows a JPEG in a TIFF (LIBTIFF_JPEG_MAX_ALLOWED_SCAN_NUMBER).
MAX_SCANS = 100
# Pixels times scans: ten scans of 200 megapixels, which take some three seconds as encoders write them. A file of
# 139 MB that is full of coefficients takes ten, with fewer pixels.
MAX_SCANNED_PIXELS = 2_000_000_000
# Chunks of a PNG or a WebP, strips or tiles of a TIFF, blocks before a GIF's picture. The largest photos have some ten
# thousand.
MAX_BLOCKS = 100_000
# All metadata that fit into the largest file take some three thousand full segments.
MAX_SEGMENTS = 10_000
# Less shows nothing; a verdict on it would be a guess.
MIN_SIDE_PX = 8


def check_size(name: str, size_wh: tuple[int, int], *, remedy: str = "") -> None:
    """Hold the limit on pixels.

    Args:
        name: Name of the photo, for messages.
        size_wh: Width and height in pixels, as it is decoded.
        remedy: What to do about it.

    Raises:
        PhotoError: none, or more than MAX_PIXELS.
    """
    if min(size_wh) < 1 or size_wh[0] * size_wh[1] > MAX_PIXELS:
        raise PhotoError(f"{name}: a photo must have 1 to {MAX_PIXELS} pixels, got {size_wh[0]}x{size_wh[1]}{remedy}")


def check_bytes(name: str, size_wh: tuple[int, int], needed: int) -> None:
    """Hold the limit on what is held to decode a photo.

    Args:
        name: Name of the photo, for messages.
        size_wh: Its width and height in pixels.
        needed: What decoding it takes, in bytes.

    Raises:
        PhotoError: more than MAX_DECODED_BYTES.
    """
    if needed > MAX_DECODED_BYTES:
        raise PhotoError(
            f"{name}: a photo must take at most {MAX_DECODED_BYTES} bytes to decode, got {size_wh[0]}x{size_wh[1]} that"
            f" take {needed} as they are coded; save it as an ordinary JPEG (not progressive), or smaller"
        )
