"""Things that stand on simulated shelves and desks, as RGBA sprites: boxes, bottles, cans, bags, price tags."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFont

from edgekit.simulate.textures import Rgb8, colourise, fractal, shade, some_colour

_SYLLABLES = ("ka", "ro", "mi", "ve", "lu", "sta", "bon", "ti", "fre", "sol", "na", "del", "go", "pur", "zen", "ola")
_CLAIMS = ("FRESH", "NEW", "500 g", "1.5 L", "EXTRA", "CLASSIC", "x6", "LIGHT", "BIO", "250 ml", "ORIGINAL", "-20 %")


@lru_cache(maxsize=64)
def font(height_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font in a size."""
    return ImageFont.load_default(size=height_px)


def some_word(rng: np.random.Generator) -> str:
    """A made-up brand name."""
    return "".join(rng.choice(_SYLLABLES, size=int(rng.integers(2, 4)))).capitalize()


def write(draw: ImageDraw.ImageDraw, xy: tuple[float, float], text: str, *, height_px: float, colour: Rgb8) -> None:
    """Draw text with its upper left corner at ``xy``; below five pixels it would be illegible, so nothing is drawn."""
    if height_px >= 5:
        draw.text(xy, text, fill=colour, font=font(round(height_px)))


def barcode(rng: np.random.Generator, draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int]) -> None:
    """Draw black bars on white in (left, top, right, bottom)."""
    left, top, right, bottom = box
    if right - left < 6 or bottom - top < 4:
        return
    draw.rectangle(box, fill=(245, 245, 245))
    module = max(1, (right - left) // 60)
    for x in range(left + 2 * module, right - 2 * module, module):
        if rng.random() < 0.5:
            draw.rectangle((x, top + 1, x + module - 1, bottom - 1), fill=(15, 15, 15))


def price_tag(rng: np.random.Generator, size_wh: tuple[int, int]) -> Image.Image:
    """A shelf label: price, small print and a barcode. RGB."""
    width, height = size_wh
    paper: Rgb8 = (250, 250, 245) if rng.random() < 0.7 else (255, 225, 60)
    tag = Image.new("RGB", size_wh, paper)
    draw = ImageDraw.Draw(tag)
    ink: Rgb8 = (200, 20, 20) if rng.random() < 0.3 else (20, 20, 20)
    write(draw, (0.04 * width, 0.02 * height), some_word(rng), height_px=0.25 * height, colour=(60, 60, 60))
    price = f"{rng.integers(0, 20)}.{rng.integers(0, 100):02d}"
    write(draw, (0.04 * width, 0.3 * height), price, height_px=0.6 * height, colour=ink)
    barcode(rng, draw, (round(0.62 * width), round(0.45 * height), round(0.96 * width), round(0.92 * height)))
    return tag


def _label(rng: np.random.Generator, size_wh: tuple[int, int], base: Rgb8) -> Image.Image:
    """A printed front: bands or stripes, a picture of the content, a brand, a claim."""
    width, height = size_wh
    front = Image.new("RGB", size_wh, base)
    draw = ImageDraw.Draw(front)
    second, third = some_colour(rng), some_colour(rng, saturation=(0.0, 0.5), value=(0.7, 1.0))
    pattern = rng.integers(4)
    if pattern == 0:
        step = int(rng.integers(3, max(4, width // 5) + 1))
        for column in range(0, width, 2 * step):
            draw.rectangle((column, 0, column + step - 1, height), fill=second)
    elif pattern == 1:
        draw.rectangle((0, round(height * rng.uniform(0.3, 0.7)), width, height), fill=second)
    elif pattern == 2:
        draw.polygon([(0, height), (width, round(0.3 * height)), (width, height)], fill=second)
    radius = width * rng.uniform(0.15, 0.4)
    x, y = width * rng.uniform(0.3, 0.7), height * rng.uniform(0.5, 0.75)
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=third)
    band = height * rng.uniform(0.08, 0.35)
    draw.rectangle((0, band, width, band + 0.2 * height), fill=shade(base, 0.5))
    tall = min(0.18 * height, 0.3 * width)
    write(draw, (0.06 * width, band + 0.01 * height), some_word(rng), height_px=tall, colour=third)
    write(draw, (0.1 * width, 0.86 * height), str(rng.choice(_CLAIMS)), height_px=0.6 * tall, colour=(250, 250, 250))
    if rng.random() < 0.3:
        barcode(rng, draw, (round(0.55 * width), round(0.72 * height), round(0.95 * width), round(0.84 * height)))
    return front


def _rounded(rng: np.random.Generator, picture: Image.Image) -> Image.Image:
    """Shade a flat front as an upright cylinder: dark edges and a highlight."""
    x = np.linspace(-1, 1, picture.width, dtype=np.float32)
    profile = (
        0.35 + 0.65 * np.sqrt(np.clip(1 - x**2, 0, 1)) + 0.25 * np.exp(-((x - rng.uniform(-0.5, 0.2)) ** 2) / 0.02)
    )
    row = Image.fromarray((np.clip(profile / 1.25, 0, 1) * 255).astype(np.uint8)[None, :])
    return ImageChops.multiply(picture, Image.merge("RGB", [row.resize(picture.size)] * 3))


def _cut(picture: Image.Image, mask: Image.Image) -> Image.Image:
    picture.putalpha(mask)
    return picture


def carton(rng: np.random.Generator, size_wh: tuple[int, int]) -> Image.Image:
    """A box seen from the front, with a darker side or top edge."""
    width, height = size_wh
    base = some_colour(rng)
    front = _label(rng, size_wh, base)
    draw = ImageDraw.Draw(front)
    side = round(width * rng.uniform(0, 0.12))
    draw.rectangle((width - side, 0, width, height), fill=shade(base, 0.55))
    draw.rectangle((0, 0, width - 1, height - 1), outline=shade(base, 0.6))
    return _cut(front, Image.new("L", size_wh, 255))


def can(rng: np.random.Generator, size_wh: tuple[int, int]) -> Image.Image:
    """A tin with a metal rim."""
    width, height = size_wh
    front = _label(rng, size_wh, some_colour(rng))
    draw = ImageDraw.Draw(front)
    rim = max(2, height // 20)
    draw.rectangle((0, 0, width, rim), fill=(200, 200, 205))
    draw.rectangle((0, height - rim, width, height), fill=(170, 170, 175))
    mask = Image.new("L", size_wh, 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, width - 1, height - 1), radius=2 * rim, fill=255)
    return _cut(_rounded(rng, front), mask)


def bottle(rng: np.random.Generator, size_wh: tuple[int, int]) -> Image.Image:
    """A bottle with neck, cap and a label around its belly."""
    width, height = size_wh
    body = Image.new("RGB", size_wh, some_colour(rng, value=(0.25, 0.9)))
    top, bottom = round(height * rng.uniform(0.4, 0.5)), round(height * rng.uniform(0.8, 0.92))
    body.paste(_label(rng, (width, bottom - top), some_colour(rng)), (0, top))
    neck = rng.uniform(0.3, 0.45)
    left, right = round(width * (0.5 - neck / 2)), round(width * (0.5 + neck / 2))
    cap = round(height * rng.uniform(0.06, 0.12))
    ImageDraw.Draw(body).rectangle((left, 0, right, cap), fill=some_colour(rng))
    mask = Image.new("L", size_wh, 0)
    outline = ImageDraw.Draw(mask)
    shoulder = round(height * rng.uniform(0.22, 0.34))
    outline.rectangle((left, 0, right, shoulder), fill=255)
    outline.rounded_rectangle((0, shoulder, width - 1, height - 1), radius=max(1, width // 4), fill=255)
    return _cut(_rounded(rng, body), mask)


def bag(rng: np.random.Generator, size_wh: tuple[int, int]) -> Image.Image:
    """A crinkled bag with pinched ends."""
    width, height = size_wh
    front = _label(rng, size_wh, some_colour(rng))
    creases = colourise(fractal(rng, size_wh, octaves=5, persistence=0.5), (90, 90, 90), (255, 255, 255))
    front = ImageChops.multiply(front, creases)
    swell = 0.06 * width * np.sin(np.linspace(0, np.pi, 12))
    y = np.linspace(0, height - 1, 12)
    left = [(0.07 * width - s, v) for s, v in zip(swell, y, strict=True)]
    right = [(0.93 * width + s, v) for s, v in zip(swell, y, strict=True)]
    mask = Image.new("L", size_wh, 0)
    ImageDraw.Draw(mask).polygon(left + right[::-1], fill=255)
    return _cut(front, mask)


PRODUCTS = (carton, carton, can, bottle, bottle, bag)


def some_product(rng: np.random.Generator, size_wh: tuple[int, int]) -> Image.Image:
    """Any product, RGBA, filling ``size_wh``."""
    return PRODUCTS[int(rng.integers(len(PRODUCTS)))](rng, size_wh)
