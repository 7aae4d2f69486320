"""Prints the tables of README.md and docs/results from the committed JSON records; ``--check`` only compares."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgekit.attacks import MIN_PHOTOS

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results"

Record = dict[str, Any]


def interval(estimate: Record | None) -> str:
    """A share with its 95 % interval."""
    if estimate is None:
        return "–"
    return f"{100 * estimate['value']:.1f} ({100 * estimate['low']:.1f}–{100 * estimate['high']:.1f}) %"


def table(columns: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def crops_of(point: Record) -> str:
    """``10``, or the most and the mean where verdicts stop early."""
    if not point["stops_early"]:
        return str(point["crops"])
    return f"≤ {point['crops']} (mean {point['crops_used']['mean']:.1f})"


def demo(record: Record) -> str:
    """The demo's result, for the README's first screen."""
    bench = record["bench"]
    where = bench["conditions"]
    groups = sorted(bench["points"][0]["evaluation"]["by_group"])
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
        for point in bench["points"]
    ]
    columns = ["crops × threads", "p50 ms", "p95 ms", "decode", "crop", "invoke", "cold start ms", "peak MiB"]
    intro = (
        f"After setup, `make demo` took {record['seconds']:.0f} s and at most "
        f"{record['peak_memory_mb'] / 1024:.1f} GiB on {machine(where)}, and ended with this. Accuracy is on "
        f"{bench['photos']} photos of {len(groups)} groups that training never saw ({', '.join(groups)}):"
    )
    threads = bench["recommended_threads"]
    choice = (
        f"Recommended within {bench['budget_ms']:g} ms (p95), by these same photos: "
        f"{'up to ' if bench['recommended_early'] else ''}{bench['recommended_crops']} crops, "
        f"{threads} thread{'s' if threads > 1 else ''}."
    )
    if any(point["evaluation"]["apcer"]["method"] == "wilson over groups" for point in bench["points"]):
        choice += " (APCER is that of the worst kind of attack, which here is one held-out screen: hence its interval.)"
    return "\n\n".join([intro, table([*columns, "balanced accuracy", "APCER", "BPCER"], rows), choice])


def machine(where: Record) -> str:
    """Where latencies were measured."""
    found = where["int8_instructions"]
    dots = "" if found is None else f" with {' and '.join(found) or 'no instructions for 8-bit dot products'}"
    return f"{where['cores']} cores of an {where['device']}{dots} ({where['interpreter']})"


def card(record: Record) -> str:
    """The demo model's numbers, for its card."""
    groups = sorted(record["bench"]["points"][0]["evaluation"]["by_group"])
    bench = record["bench"]
    rows = [
        [crops_of(point), *(interval(point["evaluation"][key]) for key in ("balanced_accuracy", "apcer", "bpcer"))]
        for point in bench["points"]
        if point["threads"] == min(one["threads"] for one in bench["points"])
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
                f"{100 * found['mean_over_groups']:.1f} %",
                f"{100 * worst['balanced_accuracy']:.1f} % ({found['worst_group']})",
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
        f"{record['photos']} photos of {record['groups']} authors in {config['folds']} folds; MobileNetV2 alpha "
        f"{network['alpha']:g} at {network['side_px']} px, crops by `{plan(config['train']['plan'])}`. Intervals are "
        f"95 %, resampled over authors. Latency is per photo, decoding included, on {machine(where)}, "
        f"{where['timed_photos']} photos."
    )
    if where["int8_instructions"] == []:
        intro += " Without such instructions int8 need not be faster than float; phones of recent years have them."
    return "\n\n".join([intro, table([*columns, *threads, "MB"], rows), kinds(record)])


def kinds(record: Record) -> str:
    """What the headline APCER leaves out: kinds of attack with few photos, and photos whose kind nobody wrote down."""
    last = [one for one in record["variants"] if not one["stops_early"]][-1]
    rates = last["evaluation"]["attack"]["apcer_by_kind"]
    told = ", ".join(
        f"{kind} {100 * one['value']:.0f} % of {one['n']}"
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
    value = {
        one["variant"]: 100 * one["evaluation"]["balanced_accuracy"]["value"]
        for one in record["variants"]
        if one["crops"] == most and not one["stops_early"]
    }
    early = next(one for one in record["variants"] if one["variant"] == "int8 QAT" and one["stops_early"])
    lost = value["int8 QAT"] - 100 * early["evaluation"]["balanced_accuracy"]["value"]
    rows = [
        ["int8 QAT passes 85 %", f"{value['int8 QAT']:.1f} %", value["int8 QAT"] > 85],
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
            "–" if one["overhead"] is None else f"{100 * one['overhead']:.0f} %",
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


def data(record: Record) -> str:
    """The rate of cutting crops beside a plain Keras loop."""
    wide, high = record["photo_wh"]
    ratio = record["ratio"]
    reached = {True: "reached", False: "**missed**"}
    rows = [
        [
            f"at least {record['target_per_s']:.0f} crops/s as TFRecords",
            f"{record['records_per_s']:.0f}",
            reached[record["records_per_s"] >= record["target_per_s"]],
        ],
        [
            f"at least {record['target_ratio']:g} times the Keras loop",
            f"{ratio['value']:.1f} ({ratio['low']:.1f}–{ratio['high']:.1f})",
            reached[ratio["value"] >= record["target_ratio"]],
        ],
    ]
    worker = record["peak_memory_mb"][1]
    intro = (
        f"{record['crops']} crops a turn, of {record['photos']} photos of {wide}x{high} and {record['variants']} "
        f"variants of each, {len(record['rounds'])} turns, on {record['cores']} cores of an {record['device']}: "
        f"{record['records_per_s']:.0f} crops/s as TFRecords, {record['folder_per_s']:.0f} as a folder, "
        f"{record['keras_per_s']:.0f} for a loop over Keras' ImageDataGenerator that does the same (median of "
        f"turns). A worker took at most {worker:.0f} MiB."
    )
    return "\n\n".join([intro, table(["target", "measured", ""], rows)])


def simulated(record: Record) -> str:
    """What training on simulated recaptures alone gives on real ones."""
    whole = record["results"][0]
    reached = "reached" if whole["auc"]["value"] >= record["target"] else "**missed**"
    intro = (
        f"A head was solved on genuine photos ({record['photos']} real photos of {record['groups']} authors in "
        f"{record['folds']} folds, recaptures only tested on) and {record['simulated']} simulated recaptures of "
        f"training authors alone, then tested on the real photos of unseen authors: AUC {whole['auc']['value']:.3f} "
        f"({whole['auc']['low']:.3f}–{whole['auc']['high']:.3f}); the target of {record['target']:g} is {reached}. "
        f"Settings of the simulator that were looked at on these photos: {record['trials']}."
    )
    kinds = sorted(whole["by_kind"], key=lambda kind: -whole["by_kind"][kind][1])
    rows = [
        [
            one["without"] or "– (all six)",
            f"{one['auc']['value']:.3f} ({one['auc']['low']:.3f}–{one['auc']['high']:.3f})",
            f"{one['mean_of_groups']:.3f}",
            *(f"{one['by_kind'][kind][0]:.3f}" for kind in kinds),
            f"{one['simulated_auc']:.3f}",
        ]
        for one in record["results"]
    ]
    columns = [
        "screen left out",
        "AUC",
        "mean of authors",
        *(f"{kind} ({whole['by_kind'][kind][1]})" for kind in kinds),
    ]
    return "\n\n".join([intro, table([*columns, "simulated test photos"], rows)])


def soak(record: Record) -> str:
    """Memory over many calls."""
    first, last = record["resident_mib"][0], record["resident_mib"][-1]
    return (
        f"{record['calls']} calls after {record['warmup']} to warm up, from {record['callers']} threads in "
        f"{record['seconds']:.0f} s ({record['interpreter']}). {record['refused']} of them had a damaged JPEG, which "
        f"was refused each time; {record['different']} answers differed from the first one of their source. Resident "
        f"memory went from {first:.1f} to {last:.1f} MiB, by least squares "
        f"{record['slope_kib_per_1000']:+.0f} KiB per 1000 calls."
    )


def fill(text: str, name: str, content: str) -> str:
    """Replace what stands between the markers of a name."""
    pattern = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"no markers for {name!r}")
    return pattern.sub(lambda match: f"{match[1]}{content}\n{match[2]}", text)


PARTS: tuple[tuple[Path, str, str, Callable[[Record], str]], ...] = (
    (ROOT / "README.md", "demo", "demo.json", demo),
    (ROOT / "models" / "README.md", "card", "demo.json", card),
    (ROOT / "README.md", "targets", "recapture.json", targets),
    (RESULTS / "recapture.md", "targets", "recapture.json", targets),
    (RESULTS / "recapture.md", "recapture", "recapture.json", recapture),
    (RESULTS / "recapture.md", "noise", "int8-noise.json", noise),
    (ROOT / "benchmarks" / "results" / "runtime.md", "runtime", "../../benchmarks/results/runtime.json", runtime),
    (ROOT / "docs" / "data.md", "data", "../../benchmarks/results/data.json", data),
    (ROOT / "docs" / "data.md", "simulated", "recapture-simulated.json", simulated),
    (ROOT / "benchmarks" / "results" / "runtime.md", "soak", "../../benchmarks/results/soak.json", soak),
)


def main() -> int:
    """Fill all pages; returns 1 when ``--check`` finds one that differs."""
    texts: dict[Path, str] = {}
    for page, name, source, render in PARTS:
        before = texts.get(page) or page.read_text(encoding="utf-8")
        path = (RESULTS / source).resolve()
        # Said on the page, so that nobody takes a gap for a result.
        content = (
            render(json.loads(path.read_text(encoding="utf-8")))
            if path.exists()
            else f"Not measured yet: there is no `{path.name}`."
        )
        texts[page] = fill(before, name, content)
    stale = [path for path, text in texts.items() if path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} does not agree with its record: run `make docs`")
        return 1 if stale else 0
    for path in stale:
        path.write_text(texts[path], encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
