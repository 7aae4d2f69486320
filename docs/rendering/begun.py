"""What a few photos of one's own add to a model."""

from __future__ import annotations

from rendering.common import Record, table


def begun(record: Record) -> str:
    """A row for each number of groups and photos: heads from nothing and heads that begin from the model."""
    points = {(one["groups"], one["photos"], one["begun"]): one for one in record["points"]}
    rows = []
    for groups, photos in dict.fromkeys((one["groups"], one["photos"]) for one in record["points"]):
        pair = [points.get((groups, photos, start)) for start in ("nothing", "model")]
        used = next(one for one in pair if one is not None)["used"]
        rows.append([str(groups), f"{used:.0f}", *map(_percent, pair), *map(_auc, pair), _share(pair[1])])
    columns = ["groups", "photos", "balanced accuracy from nothing", "from the model", "AUC from nothing"]
    alone = (
        "" if record["own_auc"] is None else f" The model's own head alone: AUC {record['own_auc']:.3f} on all of them."
    )
    draws = max(one["draws"] for one in record["points"])
    told = (
        f"{record['photos']} real photos of {record['groups']} groups; up to {draws} draws a row, mean ± standard "
        f"deviation over draws; judged by all photos of the groups that were not drawn.{alone}"
    )
    return f"{told}\n\n{table([*columns, 'from the model', 'share of it that was taken'], rows)}"


def _percent(point: Record | None) -> str:
    if point is None:
        return "–"
    found = point["balanced_accuracy"]
    return f"{100 * found['mean']:.1f} ± {100 * found['deviation']:.1f}"


def _auc(point: Record | None) -> str:
    return "–" if point is None or point["auc"] is None else f"{point['auc']['mean']:.3f}"


def _share(point: Record | None) -> str:
    return "–" if point is None else f"{point['share']:.2f}"
