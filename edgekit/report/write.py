"""Records in, page and cards out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.data.checks import refuse_among_photos
from edgekit.progress import SILENT, Progress
from edgekit.report.card import card_path, make_card, write_card
from edgekit.report.mistakes import gallery
from edgekit.report.models import Model, collect


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenReport:
    """What was written.

    Attributes:
        models: The models that are on the page.
        page_bytes: Size of the page, in bytes.
        cards: Paths of the model cards, beside the models whose files were found.
    """

    models: tuple[Model, ...]
    page_bytes: int
    cards: tuple[Path, ...]


def write_report(
    records: Sequence[Path],
    out: Path,
    *,
    photos: Path | None = None,
    title: str = "",
    cards: bool = True,
    progress: Progress = SILENT,
) -> WrittenReport:
    """Make one page of what is known of models, and a card beside each model.

    Args:
        records: Runs, models, records, or folders of these; a model is matched by its SHA-256.
        out: The page: one file of HTML, which needs no network.
        photos: The data folder, to show the worst mistakes with their crops.
        title: Title of the page; the models' names when empty.
        cards: Whether to write model cards, ``model.card.md``.
        progress: Told of every photo that is drawn.

    Raises:
        RunError: a path holds no record of edgekit, a record is damaged, or the page would lie among the photos.
        ContractError: a model file is damaged.
        EdgekitError: the page's place holds a file that was not made here, or can't be written.
    """
    from edgekit.report.page import make_page, write_page

    found = collect(records)
    if photos is not None:
        refuse_among_photos(out, photos, "a report")
    galleries = [gallery(model, photos, progress=progress) for model in found.models]
    size = write_page(make_page(found, galleries, title=title), out)
    written = []
    for model in found.models if cards else ():
        path = card_path(model)
        if path is not None:
            write_card(make_card(model), path)
            written.append(path)
    return WrittenReport(models=found.models, page_bytes=size, cards=tuple(written))
