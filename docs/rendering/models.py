"""Models: the demo, the cross-validation, what int8 costs."""

from __future__ import annotations

from edgekit.metrics.attacks import MIN_PHOTOS
from edgekit.metrics.wording import percent
from rendering.common import Record, crops_of, interval, machine, table

# As their papers spell them.
BACKBONES = {
    "mobilenet_v2": "MobileNetV2",
    "efficientnet_lite0": "EfficientNet-Lite0",
    "efficientnet_lite1": "EfficientNet-Lite1",
}

# Fewer photos of an author may all be of one class.
MANY_PHOTOS = 30


def demo(record: Record) -> str:
    """The demo's result, for the README's first screen."""
    bench = record["bench"]
    (local,) = bench["devices"]
    where, points = local["conditions"], local["points"]
    groups = sorted(points[0]["evaluation"]["by_group"])
    rows = [
        [
            f"{crops_of(point)} × {point['threads']}",
            *(f"{point['latency']['total'][key]:.1f}" for key in ("p50_ms", "p95_ms")),
            *(f"{point['latency'][stage]['p50_ms']:.1f}" for stage in ("decode", "crop", "invoke")),
            f"{point['cold']['cold_start_ms']:.0f}",
            f"{point['cold']['peak_memory_mb']:.0f}",
            interval(point["evaluation"]["balanced_accuracy"]),
            interval(point["evaluation"]["apcer"]),
            interval(point["evaluation"]["bpcer"]),
        ]
        for point in points
    ]
    columns = ["crops × threads", "p50 ms", "p95 ms", "decode", "crop", "invoke", "cold start ms", "peak MiB"]
    intro = (
        f"After setup, `make demo` took {record['seconds']:.0f} s and at most "
        f"{record['peak_memory_mb'] / 1024:.1f} GiB on {machine(where)}, and ended with this. Accuracy is on "
        f"{bench['photos']} photos of {len(groups)} groups that training never saw ({', '.join(groups)}):"
    )
    best = local["recommended"]
    if best is None:
        choice = f"Nothing was within {bench['budget_ms']:g} ms (p95)."
    else:
        choice = (
            f"Recommended within {bench['budget_ms']:g} ms (p95), by these same photos: "
            f"{'up to ' if best['stops_early'] else ''}{best['crops']} crops, "
            f"{best['threads']} thread{'s' if best['threads'] > 1 else ''}."
        )
    if bench["quick"]:
        choice += f" Latencies are rough: {where['repeats']} × {where['min_runs']} runs or more of each (`--quick`)."
    if any(point["evaluation"]["apcer"]["method"] == "wilson over groups" for point in points):
        choice += " (APCER is that of the worst kind of attack, which here is one held-out screen: hence its interval.)"
    return "\n\n".join([intro, table([*columns, "balanced accuracy", "APCER", "BPCER"], rows), choice])


def card(record: Record) -> str:
    """The demo model's numbers, for its card."""
    bench = record["bench"]
    points = bench["devices"][0]["points"]
    groups = sorted(points[0]["evaluation"]["by_group"])
    rows = [
        [crops_of(point), *(interval(point["evaluation"][key]) for key in ("balanced_accuracy", "apcer", "bpcer"))]
        for point in points
        if point["threads"] == min(one["threads"] for one in points)
    ]
    intro = (
        f"{bench['model_bytes'] / 1000:.0f} kB, SHA-256 `{bench['file_sha256']}`. On {bench['photos']} simulated "
        f"photos of {len(groups)} groups that training never saw ({', '.join(groups)}). Intervals are 95 %, "
        f"over groups or over photos, whichever reaches further:"
    )
    return "\n\n".join([intro, table(["crops", "balanced accuracy", "APCER", "BPCER"], rows)])


def recapture(record: Record) -> str:
    """The cross-validation on real photos."""
    where = record["conditions"]
    config = record["config"]
    rows = []
    for one in record["variants"]:
        found = one["evaluation"]
        worst = found["by_group"][found["worst_group"]]
        times = [
            f"{split['total']['p50_ms']:.1f} / {split['total']['p95_ms']:.1f}" for split in one["latency"].values()
        ]
        rows.append(
            [
                one["variant"],
                crops_of(one),
                interval(found["balanced_accuracy"]),
                percent(found["mean_over_groups"]),
                f"{percent(worst['balanced_accuracy'])} ({found['worst_group']})",
                f"{found['auc']['value']:.3f}",
                f"{interval(found['apcer'])} ({found['attack']['apcer_kind']})",
                interval(found["bpcer"]),
                *times,
                f"{one['model_bytes'] / 1e6:.1f}",
            ]
        )
    threads = [f"p50 / p95 ms, {name}" for name in record["variants"][0]["latency"]]
    columns = ["model", "crops", "balanced accuracy", "mean of authors", "worst author", "AUC", "APCER (kind)", "BPCER"]
    network = config["train"]["network"]
    intro = (
        f"{record['photos']} photos of {record['groups']} authors in {config['folds']} folds; "
        f"{BACKBONES[network['backbone']]} at {network['side_px']} px, crops by `{plan(config['train']['plan'])}`. "
        f"Intervals are 95 %, resampled over authors. Latency is per photo, decoding included, on {machine(where)}, "
        f"{where['timed_photos']} photos."
    )
    if where["int8_instructions"] == []:
        intro += " Without such instructions int8 need not be faster than float; phones of recent years have them."
    return "\n\n".join([intro, table([*columns, *threads, "MB"], rows), kinds(record), *certainty(record)])


def certainty(record: Record) -> list[str]:
    """What the scores of the last model are worth, and what asking for unsure photos again would bring."""
    last = [one for one in record["variants"] if not one["stops_early"]][-1]
    if not last.get("asked_again"):
        return []
    shown = last["reliability"]
    again = "; ".join(
        f"{percent(one['asked'])} asked again, the rest {interval(one['balanced_accuracy'])}"
        for one in last["asked_again"]
    )
    said = (
        f"{last['variant']} with {last['crops']} crops: ECE of the {shown['of']} {interval(shown['ece'])}, "
        f"{percent(shown['ece_by_chance'])} by chance alone. The least certain photos, by bounds from training photos "
        f"out of fold: {again}."
    )
    return [said]


def kinds(record: Record) -> str:
    """What the headline APCER leaves out: kinds of attack with few photos, and photos whose kind nobody wrote down."""
    last = [one for one in record["variants"] if not one["stops_early"]][-1]
    rates = last["evaluation"]["attack"]["apcer_by_kind"]
    told = ", ".join(
        f"{kind} {percent(one['value'], 0)} of {one['n']}"
        for kind, one in sorted(rates.items(), key=lambda item: -item[1]["n"])
    )
    return (
        f"APCER is that of the worst kind with {MIN_PHOTOS} photos or more. Of {last['variant']} with {last['crops']} "
        f"crops, kind by kind: {told}. Kinds with fewer photos prove nothing, neither for it nor against it."
    )


def plan(record: Record) -> str:
    """A crop plan as the command line takes it."""
    return ":".join(part for part in ("+".join(record["lead"]), ",".join(record["cycle"])) if part)


def noise(record: Record) -> str:
    """What int8 adds to the logits, way by way."""
    rows = [[one["way"], *(f"{one[key]:.2f}" for key in ("noise", "slope", "shift"))] for one in record["ways"]]
    return table(["network converted", "noise", "slope", "shift"], rows)


def targets(record: Record) -> str:
    """Whether the targets were reached, said by the numbers."""
    most = max(one["crops"] for one in record["variants"])
    found = {
        one["variant"]: one["evaluation"]
        for one in record["variants"]
        if one["crops"] == most and not one["stops_early"]
    }
    value = {name: 100 * one["balanced_accuracy"]["value"] for name, one in found.items()}
    ours = found["int8 QAT"]
    auc, worst = ours["auc"]["value"], ours["by_group"][ours["worst_group"]]["balanced_accuracy"]
    large = {name: one["balanced_accuracy"] for name, one in ours["by_group"].items() if one["n"] >= MANY_PHOTOS}
    low = min(large, key=lambda name: large[name])
    authors = (
        f"{percent(worst)} ({ours['worst_group']}, {ours['by_group'][ours['worst_group']]['n']} photos); of those with "
        f"{MANY_PHOTOS} or more {percent(large[low])} ({low})"
    )
    early = next(one for one in record["variants"] if one["variant"] == "int8 QAT" and one["stops_early"])
    lost = value["int8 QAT"] - 100 * early["evaluation"]["balanced_accuracy"]["value"]
    rows = [
        ["int8 QAT: balanced accuracy at least 92 %", f"{value['int8 QAT']:.1f} %", value["int8 QAT"] >= 92],
        ["… AUC at least 0.97", f"{auc:.3f}", auc >= 0.97],
        ["… worst author at least 77 %", authors, worst >= 0.77],
        [
            "int8 QAT at most 0.5 points under float",
            f"{value['int8 QAT'] - value['float']:+.1f}",
            value["int8 QAT"] >= value["float"] - 0.5,
        ],
        [
            "QAT not worse than PTQ",
            f"{value['int8 QAT'] - value['int8 PTQ']:+.1f}",
            value["int8 QAT"] >= value["int8 PTQ"],
        ],
        [
            "int8 QAT stopping early: at most 4 crops on average",
            f"{early['crops_used']['mean']:.2f} (95 % of photos: {early['crops_used']['p95']:.0f} or fewer)",
            early["crops_used"]["mean"] <= 4,
        ],
        ["… and at most 0.3 points lost by it", f"{-lost:+.1f}", lost <= 0.3],
    ]
    return table(
        [f"target, {most} crops", "measured", ""],
        [[what, found, "reached" if good else "**missed**"] for what, found, good in rows],
    )


def chain(record: Record) -> str:
    """What the README's chain took on a few hundred photos of things, stage by stage."""
    stages = ", ".join(f"{stage['name']} {stage['cpu_s']:.0f}" for stage in record["stages"])
    # Before records named it, it was the only one.
    backbone = record.get("backbone", "mobilenet_v2")
    return (
        f"For {record['classes']} classes of groceries, {record['train_photos']} photos, the chain from `finetune` to "
        f"`evaluate` with `{backbone}` and {record['crops']} crops took {record['cpu_s']:.0f} CPU seconds ({stages}) "
        f"on {machine(record['conditions'])}; the int8 file names {percent(record['accuracy'])} of "
        f"{record['test_photos']} further photos rightly "
        "(`benchmarks/grocery_chain.py`)."
    )
