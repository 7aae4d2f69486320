"""The page itself: one file, no network, and a policy that lets a browser run nothing but what is ours."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from edgekit import __version__
from edgekit.errors import EdgekitError
from edgekit.look.palette import distinct_colours
from edgekit.metrics.attacks import attacks_told
from edgekit.metrics.wording import listed
from edgekit.records import is_stream, write_atomic
from edgekit.report.card import Card, begins_with, make_card
from edgekit.report.cells import Table
from edgekit.report.costs import CostView, cost_views
from edgekit.report.drawing import Chart
from edgekit.report.mistakes import Gallery
from edgekit.report.models import Findings, Model
from edgekit.report.studies import StudyView, study_view
from edgekit.report.tables import Accuracy, accuracies, comparison, different_photos, figures, network_alone
from edgekit.report.training import stages_table, training_charts
from edgekit.report.verdict import ModelVerdict, headline, judge
from edgekit.terminal import printable

# What a page written here begins with: another file of that name is somebody else's.
MARK = "<!doctype html>\n<!-- made by `edgekit report` -->"
MAX_BYTES = 16_000_000
# Series that the style sheet has colours for, and how light others may be, to be read as text.
_OWN_COLOURS, _ON_LIGHT, _ON_DARK = 7, (0.3, 0.54), (0.7, 0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelView:
    """One model on the page."""

    name: str
    verdict: ModelVerdict
    figures: tuple[tuple[str, str, str], ...]
    accuracies: tuple[Accuracy, ...]
    gallery: Gallery
    stages: Table | None
    training: tuple[Chart, ...]
    card: Card


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All that the template shows."""

    title: str
    models: tuple[ModelView, ...]
    costs: tuple[CostView, ...]
    studies: tuple[StudyView, ...]
    comparison: Table | None
    network_alone: Table | None
    warning: str
    attacks: bool


def make_page(found: Findings, galleries: Sequence[Gallery], *, title: str = "") -> Page:
    """Put together what is said of models.

    Args:
        found: The models and their cautions, by :func:`edgekit.report.models.collect`.
        galleries: The mistakes of each model.
        title: Title of the page; the models' names when empty.
    """
    models = found.models
    views = [_view(at, model, gallery) for at, (model, gallery) in enumerate(zip(models, galleries, strict=True))]
    names = list(dict.fromkeys(model.name for model in models))
    return Page(
        title=title or listed(names, 3) or "What crops buy",
        models=tuple(views),
        costs=cost_views(models),
        studies=tuple(study_view(f"study-{at}", one) for at, one in enumerate(found.studies)),
        comparison=comparison(models),
        network_alone=network_alone(models),
        warning=different_photos(models),
        attacks=attacks_told(
            [
                *(best.evaluation for model in models if (best := headline(model))),
                *(point for study in found.studies for point in study.points),
            ]
        ),
    )


def _view(at: int, model: Model, gallery: Gallery) -> ModelView:
    training = [chart for stage in model.stages for chart in training_charts(f"run-{at}-{stage.stage}", stage)]
    return ModelView(
        name=model.name,
        verdict=judge(model),
        figures=figures(model),
        accuracies=accuracies(f"accuracy-{at}", model),
        gallery=gallery,
        stages=stages_table(model),
        training=tuple(training),
        card=make_card(model),
    )


def to_html(page: Page) -> str:
    """The page as HTML: the same page gives the same text. All that comes from records is escaped."""
    environment = Environment(
        loader=PackageLoader("edgekit.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    style, script = _asset("style.css") + _more_colours(page), _asset("script.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    template = environment.get_template("page.html.j2")
    return template.render(page=page, mark=MARK, style=style, script=script, policy=policy, version=__version__)


def write_page(page: Page, path: Path) -> int:
    """Write the page; returns its size in bytes.

    Raises:
        EdgekitError: the place holds a file that was not made here, or can't be written.
    """
    if path.is_dir():
        raise EdgekitError(f"a report must be a file, got the folder {path}; name one with --out")
    if is_stream(path):
        raise EdgekitError(f"a report must be a file, got the pipe or device {path}; name one with --out")
    if path.exists() and not begins_with(path, MARK):
        raise EdgekitError(f"{path} was not made by `edgekit report`; name another file with --out")
    content = to_html(page).encode()
    if len(content) > MAX_BYTES:
        raise EdgekitError(f"a report must have at most {MAX_BYTES} bytes, got {len(content)}; name fewer records")
    write_atomic(path, content)
    return len(content)


def _shown(value: object) -> object:
    """Text without what could steer a reader's eye: control and direction characters are spelt out."""
    # Markup is ours already, and keeps its line ends; so do tips.
    if type(value) is not str:
        return value
    # A number and its unit stay on one line.
    return re.sub(r"(?<=\d) (?=(?:%|ms|s|kB|MB|px)(?![\w]))", "\N{NO-BREAK SPACE}", printable(value, lines=True))


def _more_colours(page: Page) -> str:
    """Style of the colours that charts of many series need beyond those of the style sheet."""
    charts = [
        *(chart for cost in page.costs for chart in cost.charts.values()),
        *(chart for study in page.studies for chart in study.charts.values()),
        *(chart for model in page.models for one in model.accuracies for chart in one.charts),
        *(chart for model in page.models for chart in model.training),
    ]
    number = 1 + max((series.colour for chart in charts for series in chart.legend), default=0)
    number = max(number, 1 + max((mark.colour for chart in charts for mark in chart.marks), default=0))
    style = _asset("style.css")
    ways = [("", _ON_LIGHT), ("@media (prefers-color-scheme: dark) ", _ON_DARK)]
    rules = [f".c{at} {{ --c: var(--c{at}); }}" for at in range(_OWN_COLOURS, number)]
    for (media, lightness), first in zip(ways, _own_colours(style), strict=True):
        added = enumerate(distinct_colours(number, first, lightness=lightness)[_OWN_COLOURS:], _OWN_COLOURS)
        names = " ".join(f"--c{at}: {colour};" for at, colour in added)
        rules += [f"{media}{{ :root {{ {names} }} }}" if media else f":root {{ {names} }}"] if names else []
    return "\n".join(rules)


def _own_colours(style: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The colours that the style sheet gives to series: on light, then on dark."""
    found = re.findall(r"--c\d: (#[0-9a-f]{6});", style)
    return tuple(found[:_OWN_COLOURS]), tuple(found[_OWN_COLOURS:])


def _asset(name: str) -> str:
    return (resources.files("edgekit.report") / "templates" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
