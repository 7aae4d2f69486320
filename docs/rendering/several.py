"""What a model of several labels a photo gets right on montages of real photos."""

from __future__ import annotations

from rendering.common import Record, interval, table


def several(record: Record) -> str:
    """The float file, the int8 file and what it says of single products; then how the head was chosen."""
    measures = ("mean_average_precision", "macro_f1", "micro_f1", "exact_match")
    rows = [
        [
            name,
            str(record[key]["n"]),
            interval(record[key][measures[0]], scale=1.0),
            *(interval(record[key][measure]) for measure in measures[1:]),
        ]
        for name, key in (("montages, float", "float32"), ("montages, int8", "int8"), ("one product, int8", "single"))
    ]
    columns = ["photos", "number", "mean average precision", "macro F1", "micro F1", "all labels right"]
    told = (
        f"{record['backbone']}, {len(record['labels'])} labels; {record['train']} montages of {record['train_pools']} "
        f"pools trained, {record['test']} of {record['test_pools']} other pools judged, with "
        f"{record['labels_a_photo']:.1f} labels each."
    )
    tried = [
        [one["head"], f"`{one['plan']}` ×{one['crops']}", f"{one['mean_average_precision']:.3f}", f"{one['loss']:.3f}"]
        for one in record["variants"]
    ]
    ways = table(["head", "crops", "mean average precision, out of fold", "log loss, out of fold"], tried)
    chosen = record["chosen"]
    among = f"Chosen out of fold: {chosen['head']} on `{chosen['plan']}`, among"
    return f"{told}\n\n{table(columns, rows)}\n\n{among}\n\n{ways}"
