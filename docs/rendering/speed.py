"""Speed, memory and devices."""

from __future__ import annotations

from edgekit.metrics.wording import percent, short_percent, with_bounds
from rendering.common import Record, crops_of, interval, machine, table


def runtime(record: Record) -> str:
    """The runtime beside its peers: the targets, then every way of doing it."""
    rows = [
        [
            one["what"],
            f"≤ {one['limit']:g} {one['unit']}",
            f"{one['measured']:.2f}",
            "reached" if one["reached"] else "**missed**",
        ]
        for one in record["targets"]
    ]
    times = [
        [
            one["contender"],
            one["way"],
            f"{one['median_ms']:.1f}",
            f"{one['p95_ms']:.1f}",
            f"{one['mean_crops']:.1f}",
            percent(one["overhead"], 0),
        ]
        for one in record["timings"]
    ]
    where = record["conditions"]
    intro = (
        f"{record['model']} ({record['model_bytes'] / 1e6:.1f} MB), crops by `{record['plan']}`, working side "
        f"{record['working_px']} px; {record['photos']} photos of {min(record['megapixels']):g} to "
        f"{max(record['megapixels']):g} megapixels, {record['rounds']} rounds; {machine(where)}; {record['peer']}."
    )
    columns = ["contender", "way", "median ms", "p95 ms", "crops", "neither decode nor inference"]
    return "\n\n".join([intro, table(["target", "limit", "measured", ""], rows), table(columns, times)])


def ideas(record: Record) -> str:
    """Ideas about handing crops to the interpreter, those that gave nothing too."""
    rows = [
        [
            one["idea"],
            one["of"],
            one["model"],
            f"{one['without_us']:.0f}",
            f"{one['with_us']:.0f}",
            f"{one['invoke_us'] / 1000:.2f}",
            f"{100 * one['gain']:+.2f} %",
            "yes" if one["kept"] else "no",
        ]
        for one in record["ideas"]
    ]
    columns = ["idea", "crop of", "model", "without, µs", "with, µs", "inference, ms", "gain per crop", "kept"]
    where = record["conditions"]
    return f"{record['crops']} crops each way on one thread, {machine(where)}.\n\n{table(columns, rows)}"


def gains(record: Record) -> str:
    """What each idea gave to a whole verdict: the difference between two rows of the runtime's table."""
    took = {one["way"]: one["median_ms"] for one in record["timings"] if one["contender"] == "edgekit"}
    pairs = [
        ("decoding at a reduced scale", "file, whole scale", "file"),
        ("one reduction for all crops", "array, whole scale", "array"),
        ("an interpreter a core, not one with all threads", "array, one interpreter", "array"),
        ("a second core", "array, 1 thread", "array"),
        ("stopping early", "array", "array, early"),
    ]
    rows = [
        [
            idea,
            f"{took[before]:.1f} ({before})",
            f"{took[after]:.1f} ({after})",
            f"{1 - took[after] / took[before]:+.0%}",
        ]
        for idea, before, after in pairs
    ]
    return table(["idea", "without, ms", "with, ms", "gain"], rows)


def soak(record: Record) -> str:
    """Memory over many calls, a row for each setting of the allocator."""
    rows = []
    for run in record["runs"]:
        first, last = run["samples"][0], run["samples"][-1]
        settings = " ".join(f"`{name}={value}`" for name, value in run["allocator"].items())
        rows.append(
            [
                settings or "as it comes",
                f"{first['resident']:.1f} → {last['resident']:.1f}",
                f"{run['slope_kib_per_1000']:+.0f}",
                *(
                    f"{first[key]:.1f} → {last[key]:.1f}" if last[key] is not None else "–"
                    for key in ("in_use", "kept")
                ),
                str(run["refused"]),
                str(run["different"]),
                f"{run['seconds']:.0f}",
            ]
        )
    run = record["runs"][0]
    intro = (
        f"{run['calls']} calls after {run['warmup']} to warm up, from {run['callers']} threads "
        f"({record['interpreter']}, {record['system']}); MiB, and the slope of the resident set in KiB per 1000 calls "
        f"over the last {run['slope_calls']}. Refused are damaged JPEGs, each time; different, answers unlike the "
        "first of their source."
    )
    columns = ["allocator", "resident", "slope", "in use", "kept by glibc", "refused", "different", "s"]
    return "\n\n".join([intro, table(columns, rows)])


def devices(record: Record) -> str:
    """One model on several devices: accuracy on all, latency on real ones."""
    intro = (
        f"{record['model']} ({record['model_bytes'] / 1e6:.1f} MB, {record['precision']}), crops by "
        f"`{record['plan']}`; {record['photos']} photos of authors that it never saw."
    )
    parts = [intro]
    for one in record["devices"]:
        where = one["conditions"]
        chip = where["machine"]["architecture"]
        counted = (
            f"{where['repeats']} × at least {where['min_runs']} runs and {where['min_s']:g} s of each row, after "
            f"{where['warmup']} runs and {where['warmup_s']:g} s to warm up"
        )
        latency = f"No latencies: {one['no_latency']}." if one["no_latency"] else f"{machine(where)}; {counted}."
        told = one["throttling"]
        throttled = "" if told is None else f" First against last tenth: {told['verdict']} ({told['ratio']:.2f})."
        rows = [
            [
                f"{crops_of(point)} × {point['threads']}",
                interval(point["evaluation"]["balanced_accuracy"]),
                f"{interval(point['evaluation']['apcer'])} ({point['evaluation']['attack']['apcer_kind']})",
                interval(point["evaluation"]["bpcer"]),
                *_times(point),
            ]
            for point in one["points"]
        ]
        columns = ["crops × threads", "balanced accuracy", "APCER (worst kind)", "BPCER"]
        times = ["p50 ms", "p95 ms", "p99 ms", "decode", "crop", "invoke", "repeats", "cold start ms", "peak MiB"]
        if one["no_latency"]:
            times, rows = [], [row[: len(columns)] for row in rows]
        name = f"{one['kind']}, {chip}, Python {where['python']}, {where['interpreter']}, {where['delegate']}"
        parts += [f"**{one['device']}** ({name}). {latency}{throttled}", table([*columns, *times], rows)]
    return "\n\n".join(parts)


def _times(point: Record) -> list[str]:
    found, bounds = point["latency"], point["intervals"]
    if found is None:
        return []
    total, cold = found["total"], point["cold"]
    return [
        *(with_bounds(total[key], *bounds["total"][key]) for key in ("p50_ms", "p95_ms")),
        f"{total['p99_ms']:.1f}",
        *(f"{found[stage]['p50_ms']:.1f}" for stage in ("decode", "crop", "invoke")),
        f"±{50 * point['spread']['relative']:.0f} %",
        f"{cold['cold_start_ms']:.0f}",
        f"{cold['peak_memory_mb']:.0f}",
    ]


def same_answers(record: Record) -> str:
    """Whether devices called the photos alike."""
    first, *others = record["devices"]
    rows = []
    for one in others:
        pairs = [
            (here["evaluation"], there["evaluation"])
            for here, there in zip(first["points"], one["points"], strict=True)
        ]
        alike = sum(here["report"]["confusion"] == there["report"]["confusion"] for here, there in pairs)
        largest = max(
            abs(here["balanced_accuracy"]["value"] - there["balanced_accuracy"]["value"]) for here, there in pairs
        )
        where = one["conditions"]
        rows.append([one["device"], where["interpreter"], f"{alike} of {len(pairs)}", f"{100 * largest:.1f} points"])
    same = f"rows with the confusion matrix of {first['device']}"
    columns = ["device", "interpreter", same, "accuracy, largest difference"]
    return table(columns, rows)


def agreement(record: Record) -> str:
    """Inference times of edgekit beside LiteRT's own tool."""
    rounds = record["rounds"]
    rows = [
        [name, f"{record[f'{key}_p50_ms']:.3f}", ", ".join(f"{one[f'{key}_p50_ms']:.3f}" for one in rounds)]
        for name, key in (("edgekit", "edgekit"), (f"`{record['tool']}`", "litert"))
    ]
    verdict = (
        "reached"
        if record["reached"]
        else "**missed**"
        if record["quiet"]
        else "**not to be told: the machine was not quiet**"
    )
    where = machine(record["conditions"])
    how = f"{len(rounds)} rounds of at least {record['runs']} runs each in turns"
    ratio = with_bounds(record["ratio"], record["low"], record["high"], digits=3)
    return "\n\n".join(
        [
            f"{record['model']}, {record['threads']} thread, {how}; {where}.",
            table(["", "p50 ms of one inference", "by round"], rows),
            f"Ratio {ratio}; target: within {short_percent(record['limit'])} of 1, {verdict}.",
        ]
    )


def training(record: Record) -> str:
    """How fast training is fed and how fast it steps."""
    speeds = [
        [
            one["way"],
            one["photos"] or "–",
            f"{one['samples_per_s']:.1f}",
            "–" if one["photos_per_s"] is None else f"{one['photos_per_s']:.1f}",
            f"{min(one['rounds']):.1f} to {max(one['rounds']):.1f}",
        ]
        for one in record["timings"]
    ]
    ratios = [
        [
            one["what"],
            "–" if one["least"] is None else f"≥ {one['least']:g}",
            f"{one['ratio']:.2f}",
            "–" if one["least"] is None else "reached" if one["ratio"] >= one["least"] else "**missed**",
        ]
        for one in record["ratios"]
    ]
    photos = "; ".join(
        f"{name}, {least:g} to {most:g} megapixels" for name, (least, most) in record["megapixels"].items()
    )
    where = record["conditions"]
    intro = (
        f"{record['backbone']} at {record['side_px']} px, batches of {record['batch_size']}, "
        f"{record['crops_per_photo']} crops a photo; {photos}; {len(record['timings'][0]['rounds'])} rounds; "
        f"{machine(where)}, {where['delegate']}."
    )
    columns = ["way", "photos", "samples/s", "photos/s", "by round"]
    return "\n\n".join([intro, table(["ratio", "wanted", "measured", ""], ratios), table(columns, speeds)])
