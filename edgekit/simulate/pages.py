"""What a screen or a sheet shows: a photo alone, on a page, between bars, in an app, an article, a cover; or text."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from edgekit.simulate.options import ScreenLayout
from edgekit.simulate.products import font
from edgekit.simulate.textures import Rgb8

# About as often as in English.
_LETTERS = "eeeeeettttaaaaooooiiinnnsssrrrhhhlldddccuummffppggwwyybbvvkEATSCMPR0123456789.,"


def lay_out(
    rng: np.random.Generator,
    photo: Image.Image,
    size_wh: tuple[int, int],
    *,
    layout: ScreenLayout,
    fill: float,
    paper: bool,
) -> Image.Image:
    """Put a photo where a screen or a sheet of paper shows it: cut to the place's shape, never stretched.

    Args:
        rng: Chance: places, colours, texts.
        photo: RGB.
        size_wh: Width and height of what is shown.
        layout: ``whole``: the photo alone; ``page``: on an even page, with lines of text or without; ``letterbox``:
            black bars on two sides; ``app``: bars with buttons and lines of text; ``grid``: many cuts of the photo;
            ``text``: words without the photo; ``article``: words around it; ``cover``: it fills the page, titles on it.
        fill: Share of the width that the photo takes on a page or in an app, of one side between bars.
        paper: White around the photo, and nothing written on an even page.

    Returns:
        RGB of that size.
    """
    if layout == "whole":
        return ImageOps.fit(photo, size_wh, Image.Resampling.BICUBIC)
    if layout == "page":
        return _page(rng, photo, size_wh, fill=fill, paper=paper)
    if layout == "letterbox":
        return _letterbox(rng, photo, size_wh, fill=fill)
    if layout == "app":
        return _app(rng, photo, size_wh, fill=fill)
    if layout == "cover":
        return _cover(rng, photo, size_wh)
    if layout in ("text", "article"):
        return _article(rng, photo if layout == "article" else None, size_wh, fill=fill)
    return _grid(rng, photo, size_wh)


def _page(
    rng: np.random.Generator, photo: Image.Image, size_wh: tuple[int, int], *, fill: float, paper: bool
) -> Image.Image:
    inner = (max(2, round(size_wh[0] * fill)), max(2, round(size_wh[1] * fill)))
    shown = ImageOps.fit(photo, inner, Image.Resampling.BICUBIC)
    if inner == size_wh:
        return shown
    level = 255 if paper else int(rng.choice([0, 18, 40, 128, 243, 255]))
    page = Image.new("RGB", size_wh, (level, level, level))
    left, top = (round((whole - part) * rng.random()) for whole, part in zip(size_wh, inner, strict=True))
    if not paper and rng.random() < 0.5:
        _write_lines(rng, page, (0, 0, *size_wh), ink=20 if level > 100 else 225)
    page.paste(shown, (left, top))
    return page


def _letterbox(rng: np.random.Generator, photo: Image.Image, size_wh: tuple[int, int], *, fill: float) -> Image.Image:
    """Bars above and below, or on the left and the right; the photo between them is cut, not stretched."""
    level = int(rng.choice([0, 0, 0, 12, 255]))
    page = Image.new("RGB", size_wh, (level, level, level))
    along = int(rng.integers(2))
    inner = [size_wh[0], size_wh[1]]
    inner[along] = max(2, round(inner[along] * fill))
    shown = ImageOps.fit(photo, (inner[0], inner[1]), Image.Resampling.BICUBIC)
    page.paste(shown, ((size_wh[0] - inner[0]) // 2, (size_wh[1] - inner[1]) // 2))
    if rng.random() < 0.5:
        _buttons(rng, page, (0, 0, size_wh[0], round(size_wh[1] * 0.06)), ink=_grey(255 if level < 100 else 0))
    return page


def _app(rng: np.random.Generator, photo: Image.Image, size_wh: tuple[int, int], *, fill: float) -> Image.Image:
    width, height = size_wh
    dark = bool(rng.random() < 0.5)
    ground, ink = (int(rng.integers(0, 45)), 225) if dark else (int(rng.integers(235, 256)), 25)
    page = Image.new("RGB", size_wh, _grey(ground))
    pen = ImageDraw.Draw(page)
    head, foot = (round(height * rng.uniform(0.03, 0.09)) for _ in range(2))
    accent = tuple(int(level) for level in rng.integers(0, 256, 3))
    # The photo as a card under the head, words beneath it, and beside it where it leaves room.
    inner = (max(2, round(width * fill)), max(2, round(height * fill * rng.uniform(0.6, 1.0))))
    _write_lines(rng, page, (0, head, width, height - foot), ink=ink)
    shown = ImageOps.fit(photo, inner, Image.Resampling.BICUBIC)
    top = head + round((height - head - foot) * rng.uniform(0, 0.4))
    page.paste(shown, (round((width - inner[0]) * rng.random()), top))
    for place, level in (((0, 0, width, head), ground), ((0, height - foot, width, height), ground)):
        colour = (accent[0], accent[1], accent[2]) if rng.random() < 0.3 else _grey(level)
        pen.rectangle(place, fill=colour)
        _buttons(rng, page, place, ink=_grey(ink))
    return page


def _article(
    rng: np.random.Generator, photo: Image.Image | None, size_wh: tuple[int, int], *, fill: float
) -> Image.Image:
    """Columns of words on white, under a title; a photo over some of them."""
    width, height = size_wh
    page = Image.new("RGB", size_wh, _grey(255))
    ink = int(rng.integers(0, 60))
    margin, columns = round(width * rng.uniform(0.04, 0.14)), int(rng.integers(1, 3))
    # A page has 40 to 110 letters in its width, whatever its size.
    size = max(4, round(width / rng.uniform(22, 60)))
    top = margin
    if rng.random() < 0.7:
        tall = round(size * rng.uniform(1.4, 3.0))
        title = _words(rng, max(4, int((width - 2 * margin) / (0.6 * tall))))
        ImageDraw.Draw(page).text((margin, top), title, fill=_grey(ink), font=font(tall))
        top += round(1.6 * tall)
    across = (width - 2 * margin) // columns
    for column in range(columns):
        left = margin + column * across
        _write_lines(rng, page, (left, top, left + across, height - margin // 2), ink=ink, size=size, margin=size // 2)
    if photo is not None:
        inner = (max(2, round((width - margin) * fill)), max(2, round(height * fill * rng.uniform(0.3, 0.7))))
        shown = ImageOps.fit(photo, inner, Image.Resampling.BICUBIC)
        page.paste(shown, (round((width - inner[0]) * rng.random()), round((height - inner[1]) * rng.random())))
    return page


def _cover(rng: np.random.Generator, photo: Image.Image, size_wh: tuple[int, int]) -> Image.Image:
    """A poster, a book's cover or a magazine's: large words and a band of colour over the photo."""
    width, height = size_wh
    page = ImageOps.fit(photo, size_wh, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(page)
    for _ in range(int(rng.integers(1, 4))):
        tall = max(6, round(width * rng.uniform(0.04, 0.16)))
        row = round((height - tall) * rng.random())
        colour = tuple(int(level) for level in rng.integers(0, 256, 3))
        ink = (255, 255, 255) if sum(colour) < 380 else (10, 10, 10)
        if rng.random() < 0.5:
            pen.rectangle((0, row - tall // 3, width, row + round(1.4 * tall)), fill=(colour[0], colour[1], colour[2]))
        letters = max(3, int(width / (0.62 * tall)))
        pen.text((round(width * rng.uniform(0.02, 0.2)), row), _words(rng, letters), fill=ink, font=font(tall))
    return page


def _grid(rng: np.random.Generator, photo: Image.Image, size_wh: tuple[int, int]) -> Image.Image:
    """A gallery of cuts of the photo."""
    width, height = size_wh
    columns, gap = int(rng.integers(2, 6)), int(rng.integers(2, 14))
    side = max(8, width // columns - gap)
    page = Image.new("RGB", size_wh, _grey(int(rng.choice([0, 18, 250]))))
    for top in range(gap, height, side + gap):
        for left in range(gap // 2, width, side + gap):
            part = rng.uniform(0.3, 1.0) * min(photo.size)
            x, y = (float(rng.uniform(0, whole - part)) for whole in photo.size)
            cut = photo.resize((side, side), Image.Resampling.BICUBIC, box=(x, y, x + part, y + part))
            page.paste(cut, (left, top))
    return page


def _buttons(rng: np.random.Generator, page: Image.Image, place: tuple[int, int, int, int], *, ink: Rgb8) -> None:
    """A row of round and square signs, and perhaps a title."""
    left, top, right, bottom = place
    size = max(2, round((bottom - top) * rng.uniform(0.3, 0.6)))
    middle, count = (top + bottom) // 2, int(rng.integers(2, 7))
    pen = ImageDraw.Draw(page)
    for number in range(count):
        x = left + round((right - left) * (number + 0.5) / count)
        box = (x - size // 2, middle - size // 2, x + size // 2, middle + size // 2)
        kind = int(rng.integers(4))
        if kind == 0:
            pen.ellipse(box, outline=ink, width=max(1, size // 8))
        elif kind == 1:
            pen.rounded_rectangle(box, radius=size // 4, fill=ink)
        elif kind == 2:
            pen.rectangle((x - size, middle - size // 6, x + size, middle + size // 6), fill=ink)
        else:
            pen.line((box[0], box[1], x, box[3], box[2], box[1]), fill=ink, width=max(1, size // 8))


def _write_lines(
    rng: np.random.Generator,
    page: Image.Image,
    place: tuple[int, int, int, int],
    *,
    ink: int,
    size: int = 0,
    margin: int = 0,
) -> None:
    """Paragraphs of words, now and then a heading; of any size and margin where they are 0."""
    pen = ImageDraw.Draw(page)
    left, top, right, bottom = place
    size = size or int(rng.integers(11, 34))
    margin = margin or int(rng.integers(size // 2, 3 * size))
    row = top + size
    while row < bottom:
        tall = round(size * 1.6) if rng.random() < 0.1 else size
        share = rng.uniform(0.15, 1.0) if rng.random() < 0.3 else 1.0
        letters = max(1, int((right - left - 2 * margin) * share / (0.55 * tall)))
        level = ink if rng.random() < 0.8 else (ink + 2 * 128) // 3
        pen.text((left + margin, row), _words(rng, letters), fill=_grey(level), font=font(tall))
        row += round(tall * 1.45) + (size if share < 0.6 else 0)


def _words(rng: np.random.Generator, letters: int) -> str:
    """So many letters, with spaces between words."""
    drawn = rng.choice(list(_LETTERS), letters)
    spaces = rng.random(letters) < 0.16
    return "".join(" " if space else str(letter) for letter, space in zip(drawn, spaces, strict=True))


def _grey(level: int) -> Rgb8:
    return level, level, level
