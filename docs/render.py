"""Prints the tables of README.md and docs/results from the committed JSON records; ``--check`` only compares."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgekit.attacks import MIN_PHOTOS
from edgekit.records import from_plain
from edgekit.studytables import class_rows, flip_rows
from edgekit.tta import TtaRecord

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


def machine(where: Record) -> str:
    """Where latencies were measured."""
    found = where["int8_instructions"]
    dots = "" if found is None else f" with {' and '.join(found) or 'no instructions for 8-bit dot products'}"
    return f"{where['cores']} cores of an {where['device']}{dots} ({where['interpreter']})"


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


def study(record: Record) -> str:
    """What crops buy on photos of unseen authors, model by model."""
    found = study_of(record)
    intro = (
        f"{found.photos} photos of {found.groups} authors, {record['folds']} folds: {found.caution}. Percent with 95 % "
        f"intervals, over authors or over photos, whichever reaches further; answers that change are counted against "
        f"`{found.baseline}`."
    )
    parts = [intro]
    for model in found.models:
        columns, rows = flip_rows(found, model.name)
        parts += [f"**{model.name}**, {model.model_bytes / 1e6:.1f} MB:", table(columns, rows)]
    return "\n\n".join(parts)


def classes(record: Record) -> str:
    """Precision, recall and F1 as anti-spoofing studies print them."""
    columns, rows = class_rows(study_of(record))
    return table(columns, rows)


def study_of(record: Record) -> TtaRecord:
    """The study in a record over folds."""
    return from_plain(TtaRecord, record["study"], where="tta.json: study")


def rate(found: Record) -> str:
    """A rate with the interval to quote."""
    return interval(found["grouped"] or found["photos"])


def unseen(record: Record) -> str:
    """Where the errors lie, variant by variant."""
    parts = []
    for one in record["details"]:
        found = one["detail"]
        attacks, calibration, risk = found["attacks"], found["reliability"], found["risk"]
        kind_rows = [
            [line["kind"], rate(line["apcer"]), interval(line["apcer"]["photos"]), str(line["apcer"]["n"])]
            for line in attacks["kinds"]
        ]
        rows = [
            ["APCER, worst kind", f"{rate(attacks['kinds'][0]['apcer'])} ({attacks['worst_kind']})"],
            ["APCER, all attacks", rate(attacks["overall"])],
            ["BPCER", rate(attacks["bpcer"])],
            ["ACER", interval(attacks["acer"])],
            ["EER", interval(attacks["eer"])],
            *([f"BPCER at APCER {100 * at['limit']:g} %", interval(at["bpcer"])] for at in attacks["at_apcer"]),
            ["area under the ROC curve", f"{attacks['auc']['value']:.3f}"],
            ["average precision", f"{attacks['average_precision']['value']:.3f}"],
            [
                "calibration error (ECE)",
                f"{interval(calibration['ece'])}, by chance {100 * calibration['ece_by_chance']:.1f} %",
            ],
            ["mean risk (AURC)", f"{interval(risk['aurc'])}, at random {100 * risk['aurc_by_chance']:.1f} %"],
        ]
        confusion = [
            [line["label"], *map(str, counts)]
            for line, counts in zip(found["table"]["classes"], found["confusion"], strict=True)
        ]
        slices = {f"{line['column']}={line['value'] or 'unknown'}": line for line in found["slices"]["found"]}
        worst = [
            [name, str(slices[name]["n"]), interval(slices[name]["balanced_accuracy"])]
            for name in found["slices"]["worst"]
        ]
        labels = [line["label"] for line in found["table"]["classes"]]
        parts += [
            f"**{one['variant']}**, {one['crops']} crops of its own plan:",
            table(["", "measured"], rows),
            table(["kind of attack", "APCER over authors", "over photos (Wilson)", "photos"], kind_rows),
            table(["truth \\ called", *labels], confusion),
            table(["worst slices", "photos", "balanced accuracy"], worst),
            f"{found['slices']['caution']}.",
        ]
    return "\n\n".join(parts)


def audit(record: Record) -> str:
    """What gives the classes of the real photos away, over groups and inside them."""
    rows = [
        [
            one["name"],
            interval(one["balanced_accuracy"]) if one["varies"] else "the same for all photos",
            f"{one['baseline']['p']:.3f}" if one["varies"] else "–",
            one["verdict"],
        ]
        for one in record["probes"]
    ]
    leaks = [one for one in record["within"] if one["verdict"] == "leak"]
    inside = [
        [one["group"], one["rule"], f"{100 * one['balanced_accuracy']:.1f} %", f"{one['q']:.4f}"] for one in leaks
    ]
    groups = sorted({one["group"] for one in leaks if one["probe"] in ("aspect", "size")})
    told = (
        f"In {len(groups)} of {len(record['groups'])} groups ({', '.join(groups)}) size or aspect gives the class away:"
    )
    return "\n\n".join(
        [
            table(["probe", "balanced accuracy on unseen groups", "p", "verdict"], rows),
            told,
            table(["group", "rule", "balanced accuracy", "q"], inside),
        ]
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
    (RESULTS / "tta.md", "study", "tta.json", study),
    (RESULTS / "tta.md", "classes", "tta.json", classes),
    (RESULTS / "tta.md", "unseen", "tta.json", unseen),
    (ROOT / "docs" / "data.md", "audit", "audit.json", audit),
    (ROOT / "benchmarks" / "results" / "runtime.md", "runtime", "../../benchmarks/results/runtime.json", runtime),
    (ROOT / "benchmarks" / "results" / "runtime.md", "gains", "../../benchmarks/results/runtime.json", gains),
    (ROOT / "benchmarks" / "results" / "runtime.md", "ideas", "../../benchmarks/results/ideas.json", ideas),
    (ROOT / "benchmarks" / "results" / "runtime.md", "soak", "../../benchmarks/results/soak.json", soak),
)


def main() -> int:
    """Fill all pages; returns 1 when ``--check`` finds one that differs."""
    texts: dict[Path, str] = {}
    for page, name, source, render in PARTS:
        before = texts.get(page) or page.read_text(encoding="utf-8")
        record = json.loads((RESULTS / source).read_text(encoding="utf-8"))
        texts[page] = fill(before, name, render(record))
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
