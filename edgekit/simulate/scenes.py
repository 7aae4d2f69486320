"""Scenes for simulated photos: shelves above all, and desks, streets, landscapes, cloth, pages, walls.

Regular structure (weaves, barcodes, stripes, tiles, window grids), rectangles, frames, switched-off monitors and
blank walls stand in front of the camera here too, so neither "periodic" nor "rectangle" nor "flat" means recapture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from edgekit.arrays import RGBArray
from edgekit.errors import DataError
from edgekit.simulate.options import MIN_SIDE_PX
from edgekit.simulate.products import barcode, price_tag, some_product, some_word, write
from edgekit.simulate.textures import (
    axes,
    cloth,
    foliage,
    fractal,
    plaster,
    shade,
    smooth_field,
    some_colour,
    some_tint,
    tiles,
    wood,
)

# Drawn larger and reduced: Pillow draws hard edges.
_OVERSAMPLING = 1.5


def draw_scene(rng: np.random.Generator, *, size_wh: tuple[int, int]) -> RGBArray:
    """Draw one scene in even light, then light it.

    Args:
        rng: Chance.
        size_wh: Width and height in pixels.

    Returns:
        (height, width, 3) RGB, sRGB-encoded.

    Raises:
        DataError: a side is below MIN_SIDE_PX.
    """
    if min(size_wh) < MIN_SIDE_PX:
        raise DataError(f"a scene must be at least {MIN_SIDE_PX} px wide and high, got {size_wh}; ask for a larger one")
    drawn_wh = round(size_wh[0] * _OVERSAMPLING), round(size_wh[1] * _OVERSAMPLING)
    paint = _PAINTERS[int(rng.choice(len(_PAINTERS), p=_WEIGHTS))]
    canvas = _focus_falloff(rng, paint(rng, drawn_wh).resize(size_wh, Image.Resampling.BICUBIC))
    return _light(rng, np.asarray(canvas))


def _focus_falloff(rng: np.random.Generator, canvas: Image.Image) -> Image.Image:
    """Blur one side a little, as what lies off the plane of focus; half of the scenes lie in one plane."""
    if rng.random() < 0.5:
        return canvas
    blurred = canvas.filter(ImageFilter.BoxBlur(float(rng.uniform(0.6, 2.5)) * canvas.height / 480))
    ramp = np.clip(smooth_field(rng, canvas.size, cells=2) * 2 - 0.6, 0, 1)
    return Image.composite(blurred, canvas, Image.fromarray((ramp * 255).astype(np.uint8)))


def _light(rng: np.random.Generator, photo: RGBArray) -> RGBArray:
    """Uneven light, sometimes with the edge of a shadow, of a warm or cool colour."""
    height, width = photo.shape[:2]
    depth = rng.uniform(0.05, 0.55)
    light = 1 - depth * smooth_field(rng, (width, height), cells=int(rng.integers(2, 5)))
    if rng.random() < 0.3:
        angle, offset = rng.uniform(0, 2 * np.pi), rng.uniform(-0.3, 0.3)
        x, y = axes((width, height), reach=0.5)
        beyond = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle)) + np.float32(offset)
        beyond *= np.float32(rng.uniform(5, 60))
        light = light * (1 - np.float32(rng.uniform(0.2, 0.55)) * np.clip(beyond, 0, 1))
    lit: RGBArray = np.clip(photo * light[..., None] * some_tint(rng, 0.12), 0, 255).astype(np.uint8)
    return lit


def _shelf(rng: np.random.Generator, size_wh: tuple[int, int]) -> Image.Image:
    width, height = size_wh
    canvas = plaster(rng, size_wh, colour=some_colour(rng, saturation=(0.0, 0.25), value=(0.25, 0.85)))
    draw = ImageDraw.Draw(canvas)
    if rng.random() < 0.3:
        _pegboard(draw, size_wh, step=int(rng.integers(8, 24)))
    rows = int(rng.integers(1, 5))
    pitch = height / (rows - rng.uniform(0, 0.5))
    board = max(3, round(pitch * rng.uniform(0.06, 0.14)))
    steel = some_colour(rng, saturation=(0.0, 0.3), value=(0.5, 0.95))
    first = pitch * rng.uniform(0.6, 1.0)
    for row in range(rows + 1):
        floor = round(first + row * pitch)
        _row_of_products(rng, canvas, floor=floor, tall=round(pitch - board))
        draw.rectangle((0, floor, width, floor + board), fill=steel)
        draw.line((0, floor, width, floor), fill=shade(steel, 1.2), width=2)
        # Under each board lies its own shadow.
        for depth in range(0, round(0.12 * pitch), 2):
            y = floor + board + depth
            draw.line((0, y, width, y), fill=shade(steel, 0.25 + 0.03 * depth), width=2) if depth < board // 2 else None
        _tags(rng, canvas, floor=floor, board=board)
    return canvas


def _pegboard(draw: ImageDraw.ImageDraw, size_wh: tuple[int, int], *, step: int) -> None:
    for y in range(step // 2, size_wh[1], step):
        for x in range(step // 2, size_wh[0], step):
            draw.ellipse((x, y, x + step // 4, y + step // 4), fill=(45, 45, 45))


def _row_of_products(rng: np.random.Generator, canvas: Image.Image, *, floor: int, tall: int) -> None:
    x = -int(rng.integers(0, tall // 3 + 2))
    fill = rng.uniform(0.75, 1.0)
    while x < canvas.width:
        height = max(12, round(tall * rng.uniform(0.55, 0.97)))
        width = max(8, round(height * rng.uniform(0.3, 0.8)))
        sprite = some_product(rng, (width, height))
        for _ in range(int(rng.integers(1, 5))):
            if rng.random() < fill:
                canvas.paste(sprite, (x, floor - height + int(rng.integers(-1, 2))), sprite)
            x += width + int(rng.integers(0, max(2, width // 8)))
            if x >= canvas.width:
                return


def _tags(rng: np.random.Generator, canvas: Image.Image, *, floor: int, board: int) -> None:
    tall = max(6, round(board * rng.uniform(0.75, 1.3)))
    x = int(rng.integers(0, 2 * tall))
    while x < canvas.width:
        if rng.random() < 0.8:
            canvas.paste(price_tag(rng, (2 * tall, tall)), (x, floor + 2))
        x += int(rng.integers(3 * tall, 8 * tall))


def _desk(rng: np.random.Generator, size_wh: tuple[int, int]) -> Image.Image:
    width, height = size_wh
    canvas = plaster(rng, size_wh, colour=some_colour(rng, saturation=(0.0, 0.3), value=(0.5, 0.95)))
    edge = round(height * rng.uniform(0.45, 0.7))
    canvas.paste(wood(rng, (width, height - edge)), (0, edge))
    if rng.random() < 0.75:
        wide = round(width * rng.uniform(0.35, 0.75))
        _dark_monitor(rng, canvas, left=int(rng.integers(0, width - wide)), bottom=edge + height // 20, wide=wide)
    for _ in range(int(rng.integers(1, 4))):
        sprite = some_product(rng, (int(width * rng.uniform(0.06, 0.14)), int(height * rng.uniform(0.15, 0.3))))
        canvas.paste(
            sprite, (int(rng.integers(width)), edge + int(rng.integers(height // 6)) - sprite.height // 2), sprite
        )
    if rng.random() < 0.6:
        _keyboard(rng, canvas, left=int(rng.integers(width // 2)), top=edge + height // 8, key=max(4, width // 32))
    return canvas


def _dark_monitor(rng: np.random.Generator, canvas: Image.Image, *, left: int, bottom: int, wide: int) -> None:
    """A switched-off screen with a faint reflection of the room."""
    tall = round(wide * 0.6)
    bezel = max(2, wide // 40)
    draw = ImageDraw.Draw(canvas)
    draw.rectangle(
        (left + wide // 2 - wide // 12, bottom - bezel, left + wide // 2 + wide // 12, bottom + wide // 10),
        fill=(35, 35, 38),
    )
    draw.rectangle((left, bottom - tall, left + wide, bottom), fill=(25, 25, 27))
    inner_wh = (wide - 2 * bezel, tall - 2 * bezel)
    gleam = smooth_field(rng, inner_wh, cells=3) * 45 + 12
    canvas.paste(Image.fromarray(np.clip(gleam, 0, 255).astype(np.uint8)), (left + bezel, bottom - tall + bezel))


def _keyboard(rng: np.random.Generator, canvas: Image.Image, *, left: int, top: int, key: int) -> None:
    draw = ImageDraw.Draw(canvas)
    colour = some_colour(rng, saturation=(0.0, 0.1), value=(0.1, 0.9))
    draw.rectangle((left, top, left + 15 * key, top + 5 * key), fill=shade(colour, 0.7))
    for row in range(5):
        for column in range(14):
            x, y = left + key // 2 + column * key, top + key // 4 + row * key
            draw.rectangle((x, y, x + key - 3, y + key - 3), fill=colour)


def _street(rng: np.random.Generator, size_wh: tuple[int, int]) -> Image.Image:
    width, height = size_wh
    canvas = _sky(rng, size_wh)
    draw = ImageDraw.Draw(canvas)
    x = -int(rng.integers(width // 4))
    ground = round(height * rng.uniform(0.75, 0.92))
    while x < width:
        wide, top = int(width * rng.uniform(0.2, 0.55)), int(height * rng.uniform(0.0, 0.45))
        wall_wh = (wide, ground - top)
        colour = some_colour(rng, saturation=(0.0, 0.5))
        canvas.paste(tiles(rng, wall_wh) if rng.random() < 0.4 else plaster(rng, wall_wh, colour=colour), (x, top))
        _windows(rng, draw, box=(x, top, x + wide, ground))
        x += wide
    canvas.paste(plaster(rng, (width, height - ground), colour=(90, 90, 95)), (0, ground))
    return canvas


def _windows(rng: np.random.Generator, draw: ImageDraw.ImageDraw, *, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    step_x = int(rng.integers(max(6, (right - left) // 16), max(8, (right - left) // 3)))
    step_y = int(step_x * rng.uniform(0.8, 1.8))
    glass = some_colour(rng, saturation=(0.1, 0.4), value=(0.15, 0.6))
    for y in range(top + step_y // 3, bottom - step_y // 2, step_y):
        for x in range(left + step_x // 4, right - step_x // 2, step_x):
            pane = (x, y, x + round(0.55 * step_x), y + round(0.6 * step_y))
            draw.rectangle(pane, fill=shade(glass, rng.uniform(0.7, 1.5)), outline=(225, 225, 220))


def _sky(rng: np.random.Generator, size_wh: tuple[int, int]) -> Image.Image:
    width, height = size_wh
    ramp = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    zenith = np.array(some_colour(rng, saturation=(0.2, 0.6), value=(0.5, 0.9))[::-1], dtype=np.float32)
    clouds = fractal(rng, (width // 4, height // 4), octaves=6, persistence=0.5)
    clouds = np.asarray(Image.fromarray(clouds).resize(size_wh, Image.Resampling.BILINEAR))[..., None]
    sky = zenith * (1 - 0.6 * ramp) + 225 * 0.6 * ramp
    return Image.fromarray(np.clip(sky + (clouds - 0.45) * 120, 0, 255).astype(np.uint8))


def _landscape(rng: np.random.Generator, size_wh: tuple[int, int]) -> Image.Image:
    width, height = size_wh
    canvas = _sky(rng, size_wh)
    for layer in range(int(rng.integers(2, 5))):
        ridge = fractal(rng, (width, 2), octaves=9, persistence=0.55)[0]
        top = height * (0.3 + 0.16 * layer) + (ridge - 0.5) * height * 0.4
        tone = some_colour(rng, saturation=(0.1, 0.6), value=(0.25, 0.7))
        ground = foliage(rng, size_wh) if layer and rng.random() < 0.4 else plaster(rng, size_wh, colour=tone)
        mask = (np.arange(height, dtype=np.float32)[:, None] > top[None, :]).astype(np.uint8) * 255
        canvas.paste(ground, (0, 0), Image.fromarray(mask))
    return canvas


def _garment(rng: np.random.Generator, size_wh: tuple[int, int]) -> Image.Image:
    """Cloth close by, often in two pieces, with a sewn-in tag."""
    canvas = cloth(rng, size_wh)
    if rng.random() < 0.5:
        half_wh = (size_wh[0], round(size_wh[1] * rng.uniform(0.3, 0.7)))
        canvas.paste(cloth(rng, half_wh), (0, size_wh[1] - half_wh[1]))
    if rng.random() < 0.6:
        tall = size_wh[1] // 5
        canvas.paste(
            price_tag(rng, (2 * tall, tall)), (int(rng.integers(size_wh[0] // 2)), int(rng.integers(size_wh[1] // 2)))
        )
    return canvas


def _page(rng: np.random.Generator, size_wh: tuple[int, int]) -> Image.Image:
    """A receipt, a leaflet or a carton's back: lines of text, tables, barcodes on paper."""
    width, height = size_wh
    canvas = wood(rng, size_wh)
    paper_wh = (round(width * rng.uniform(0.5, 0.95)), round(height * rng.uniform(0.7, 1.0)))
    paper = plaster(rng, paper_wh, colour=some_colour(rng, saturation=(0.0, 0.15), value=(0.8, 1.0)))
    draw = ImageDraw.Draw(paper)
    line = int(rng.integers(max(8, height // 60), max(10, height // 18)))
    for y in range(line, paper_wh[1] - line, round(1.4 * line)):
        words = " ".join(some_word(rng) for _ in range(int(rng.integers(2, 9))))
        write(draw, (line, y), words, height_px=line, colour=(35, 35, 40))
    if rng.random() < 0.7:
        side = round(min(paper_wh) * rng.uniform(0.2, 0.4))
        x, y = int(rng.integers(paper_wh[0] - side)), int(rng.integers(paper_wh[1] - side))
        barcode(rng, draw, (x, y, x + side, y + side // 2))
    turned = paper.rotate(
        float(rng.uniform(-6, 6)), resample=Image.Resampling.BILINEAR, expand=False, fillcolor=(120, 90, 60)
    )
    canvas.paste(turned, ((width - paper_wh[0]) // 2, (height - paper_wh[1]) // 2))
    return canvas


def _wall(rng: np.random.Generator, size_wh: tuple[int, int]) -> Image.Image:
    """A wall, blank or tiled, often with framed pictures."""
    width, height = size_wh
    pale = some_colour(rng, saturation=(0.0, 0.2), value=(0.75, 1.0))
    canvas = tiles(rng, size_wh) if rng.random() < 0.4 else plaster(rng, size_wh, colour=pale)
    for _ in range(int(rng.integers(0, 3))):
        wide, tall = int(width * rng.uniform(0.25, 0.6)), int(height * rng.uniform(0.25, 0.6))
        x, y = int(rng.integers(-wide // 4, width - wide // 2)), int(rng.integers(-tall // 4, height - tall // 2))
        frame = max(3, wide // 25)
        ImageDraw.Draw(canvas).rectangle(
            (x - frame, y - frame, x + wide + frame, y + tall + frame), fill=some_colour(rng, saturation=(0, 0.5))
        )
        picture = _landscape if rng.random() < 0.5 else _page
        canvas.paste(picture(rng, (wide, tall)), (x, y))
    return canvas


Painter: TypeAlias = Callable[[np.random.Generator, tuple[int, int]], Image.Image]
_PAINTERS: tuple[Painter, ...] = (_shelf, _desk, _street, _landscape, foliage, _garment, _page, _wall)
_WEIGHTS = (0.52, 0.1, 0.08, 0.07, 0.03, 0.07, 0.06, 0.07)
