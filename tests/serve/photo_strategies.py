"""What schemathesis sends where the document says that a photo goes: photos. Loaded by its process as hooks."""

from __future__ import annotations

import io

import schemathesis
from hypothesis import strategies as st
from PIL import Image


def _photo(size: tuple[int, int], level: int, kind: str) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, (level, 20, 255 - level)).save(written, kind)
    return written.getvalue()


photos = st.builds(
    _photo,
    st.tuples(st.integers(16, 40), st.integers(16, 40)),
    st.integers(0, 255),
    st.sampled_from(["JPEG", "PNG", "GIF"]),
)
schemathesis.openapi.format("binary", photos)
for kind in ("application/octet-stream", "image/jpeg"):
    schemathesis.openapi.media_type(kind, photos)
