"""Writes the page with a model inside: a folder that any web server can publish, whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from edgekit.data.manifest import Sample
from edgekit.data.names import shorten
from edgekit.errors import EdgekitError
from edgekit.gather.strip import strip
from edgekit.phones.export import check_names
from edgekit.progress import SILENT, Progress
from edgekit.records import make_folder, read_bounded, sha256, to_json, write_atomic
from edgekit.runtime.bundle import MAX_FILE_BYTES, REJECTED_SUFFIX, read_bundle
from edgekit.runtime.limits import MAX_FILE_BYTES as MAX_PHOTO_BYTES
from edgekit.web.built import (
    MODEL_NAME,
    PAGE_NAME,
    WORKER_NAME,
    BuiltPage,
    PageContents,
    PageModel,
    PagePhoto,
    page_names,
    read_built_page,
    worker_with,
)
from edgekit.web.options import WebConfig

# What every browser decodes.
_ENDINGS = (".jpg", ".png", ".webp")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRecord:
    """A page that was written.

    Attributes:
        out: Its folder.
        model: Its model.
        files: How many files it has, its service worker included.
        size_bytes: Of all of them.
        photos: Photos of its benchmark.
    """

    out: str
    model: PageModel
    files: int
    size_bytes: int
    photos: int


def publish_page(
    model: Path,
    out: Path,
    config: WebConfig,
    *,
    page: Path,
    photos: tuple[Path, Sequence[Sample]] | None = None,
    progress: Progress = SILENT,
) -> WebRecord:
    """Write a page with a model inside.

    Args:
        model: A model file; it is checked as everywhere.
        out: Folder of the page. It is new or empty, or with ``overwrite`` holds a page.
        config: What is written.
        page: A built page; see ``read_built_page``.
        photos: A data folder and photos of it, of which some go into the page's benchmark in place of its own.
        progress: Told of each file.

    Raises:
        ContractError: no model of edgekit, changed, or one that no interpreter may run.
        EdgekitError: no whole page, something else lies in ``out``, a photo's kind, photos of labels that the model
            has not, or the disk is full; ``out`` is as it was.
    """
    _check_place(out, config)
    if model.name.endswith(REJECTED_SUFFIX):
        raise EdgekitError(f"{model} was refused by its conversion's gate; a page must have a model that was not")
    # page.json tells people what the file was called.
    check_names(model=model.name)
    content = read_bounded(model, MAX_FILE_BYTES, "a model", EdgekitError, absent="no such model file")
    try:
        bundle = read_bundle(content)
    except EdgekitError as mistake:
        raise type(mistake)(f"{model}: {mistake}") from mistake
    about = PageModel(file=MODEL_NAME, name=model.name, sha256=bundle.file_sha256)
    source = read_built_page(page)
    files, listed = _files(source, about, photos, config)
    _refuse_foreign(page, listed, bundle.contract.labels)
    files[MODEL_NAME] = content
    _write(files, out, progress)
    return WebRecord(
        out=out.as_posix(),
        model=about,
        files=len(files),
        size_bytes=sum(map(len, files.values())),
        photos=sum(name.startswith("bench/") for name in files),
    )


def _check_place(out: Path, config: WebConfig) -> None:
    if not os.path.lexists(out):
        return
    if os.path.islink(out) or not os.path.isdir(out):
        raise EdgekitError(f"{out} must be a folder, got a file or a link; name another with --out")
    inside = os.listdir(out)
    # A page goes as a whole: nothing may lie there that is none of its files.
    own = page_names(out)
    there = (path for path in out.rglob("*") if path.is_symlink() or not path.is_dir())
    others = (path for path in there if path.relative_to(out).as_posix() not in own)
    if inside and (other := next(others, None) if own else out / inside[0]):
        raise EdgekitError(
            f"{out} must be new, empty, or a page and nothing else, got a folder with {other.relative_to(out)}; name"
            " another with --out"
        )
    if inside and not config.overwrite:
        raise EdgekitError(f"{out} holds a page; use --overwrite to replace it or name another folder with --out")


def _files(
    page: BuiltPage, model: PageModel, photos: tuple[Path, Sequence[Sample]] | None, config: WebConfig
) -> tuple[dict[str, bytes], tuple[PagePhoto, ...]]:
    """All files of the new page but the model itself and, since it lists them, the service worker; and its photos."""
    files = {name: content for name, content in page.files.items() if name != PAGE_NAME}
    listed = page.contents.photos
    if photos is not None:
        for one in listed:
            files.pop(one.file, None)
        own = _bench_photos(*photos, config.photos)
        files |= {about.file: content for about, content in own}
        listed = tuple(about for about, _ in own)
    files[PAGE_NAME] = to_json(PageContents(model=model, photos=listed)).encode()
    # Kept for the service worker's list, which _write makes when the model is among the files.
    files[WORKER_NAME] = page.worker
    return files, listed


def _refuse_foreign(page: Path, photos: Sequence[PagePhoto], labels: Sequence[str]) -> None:
    """Hold that the page's benchmark is one of its model: ``bench --from`` takes no photos of other labels."""
    foreign = sorted({one.label for one in photos} - set(labels))
    if foreign:
        raise EdgekitError(
            f"{page}: the photos of its benchmark must have labels of the model, got {shorten(foreign)}, the model"
            f" knows {shorten(labels)}; name photos of the model's own with --data"
        )


def _bench_photos(root: Path, samples: Sequence[Sample], most: int) -> list[tuple[PagePhoto, bytes]]:
    """Some photos, the classes in turn, without metadata and under names that say nothing."""
    by_label: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_label[sample.label].append(sample)
    in_turn = [one for row in zip_longest(*by_label.values()) for one in row if one is not None]
    chosen = []
    for number, sample in enumerate(in_turn[:most]):
        path = root / sample.path
        content, ending = strip(read_bounded(path, MAX_PHOTO_BYTES, "a photo", EdgekitError))
        if ending not in _ENDINGS:
            raise EdgekitError(
                f"{path}: a page's photo must be one that every browser decodes ({', '.join(_ENDINGS)}), got {ending}; "
                "leave it out"
            )
        file = f"bench/{number:04d}{ending}"
        about = PagePhoto(file=file, sha256=sha256(content), label=sample.label, group=sample.group)
        chosen.append((about, content))
    return chosen


def _write(files: dict[str, bytes], out: Path, progress: Progress) -> None:
    """Write a folder beside the new one, then let them change names: no server ever sees half a page."""
    worker = files.pop(WORKER_NAME)
    files[WORKER_NAME] = worker_with(files, worker)
    make_folder(out.parent)
    mark = secrets.token_hex(4)
    fresh, former = (out.parent / f".{out.name}.{mark}.{kind}" for kind in ("new", "old"))
    progress.begin(f"writing {out}", len(files))
    try:
        for name, content in files.items():
            write_atomic(fresh / name, content)
            progress.advance()
        if out.is_dir():
            out.rename(former)
        try:
            fresh.rename(out)
        except BaseException:
            # Ctrl-C, too, leaves what was there.
            if former.is_dir() and not out.exists():
                former.rename(out)
            raise
    except OSError as failure:
        raise EdgekitError(
            f"can't write {out}: {failure.strerror or failure}; free space or choose another folder"
        ) from failure
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        # The former page is all there is where neither could take its name.
        if os.path.isdir(out):
            shutil.rmtree(former, ignore_errors=True)
