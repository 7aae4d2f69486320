"""Takes the picture of a report for the README: ``python docs/screenshot.py runs/demo/report.html docs/report.png``."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

SIZE = {"width": 1280, "height": 1420}
MAX_BYTES = 200_000


def main(page: Path, out: Path) -> None:
    """Open the page in Chromium and keep what its first screen shows, in few enough bytes for a repository."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport=SIZE, color_scheme="light")
        tab.goto(page.resolve().as_uri())
        shot = tab.screenshot()
        browser.close()
    picture = Image.open(io.BytesIO(shot)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    picture.save(out, optimize=True)
    if out.stat().st_size > MAX_BYTES:
        sys.exit(f"{out} has {out.stat().st_size} bytes, may have {MAX_BYTES}")
    print(f"wrote {out} ({out.stat().st_size / 1000:.0f} kB)")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
