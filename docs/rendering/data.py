"""Making data: what gives labels away, the rate of cutting crops, what simulated recaptures teach."""

from __future__ import annotations

from collections import Counter

from edgekit.metrics.wording import percent, with_bounds
from rendering.common import Record, interval, table


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
    inside = [[one["group"], one["rule"], percent(one["balanced_accuracy"]), f"{one['q']:.4f}"] for one in leaks]
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


def crops(record: Record) -> str:
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
            with_bounds(ratio["value"], ratio["low"], ratio["high"]),
            reached[ratio["value"] >= record["target_ratio"]],
        ],
    ]
    intro = (
        f"{record['crops']} crops a turn, of {record['photos']} photos of {wide}x{high} and {record['variants']} "
        f"variants of each, {len(record['rounds'])} turns, on {record['cores']} cores of an {record['device']}: "
        f"{record['records_per_s']:.0f} crops/s as TFRecords, {record['resized_per_s']:.0f} brought to "
        f"{record['resized_px']} px, {record['folder_per_s']:.0f} as a folder, "
        f"{record['keras_per_s']:.0f} for a loop over Keras' ImageDataGenerator that does the same (median of "
        "turns)."
    )
    return "\n\n".join([intro, table(["target", "measured", ""], rows)])


def many_crops(record: Record) -> str:
    """One large job of the command, and the same with kills on the way."""
    wide, high = record["photo_wh"]
    reached = "reached" if record["crops_per_s"] >= record["target_per_s"] else "**missed**"
    same = "the same bytes" if record["same_after_kills"] else "**other bytes**"
    return (
        f"{record['crops']} crops of {record['side_px']} px ({record['photos']} photos of {wide}x{high} from "
        f"{record['scenes']} scenes, {record['variants']} variants of each, {record['gigabytes']:.1f} GB in "
        f"{record['shards']} shards) took {record['seconds']:.0f} s with {record['workers']} workers on "
        f"{record['cores']} cores of an {record['device']}: **{record['crops_per_s']:.0f} crops/s**, the target of "
        f"{record['target_per_s']:.0f} is {reached}. No process took more than {record['peak_memory_mib']:.0f} MiB, "
        f"and none more than {record['peak_memory_mib_of_few']:.0f} for {record['few_photos']} photos. The same job "
        f"with {record['kills']} `kill -9` on the way ended with {same}."
    )


def imported(record: Record) -> str:
    """One large import, again, and with kills on the way."""
    wide, high = record["size_wh"]
    same = "the same photos and rows" if record["same_after_kills"] else "**other photos or rows**"
    return (
        f"{record['photos']} photos of {wide}x{high} took {record['seconds']:.0f} s with {record['workers']} workers "
        f"on {record['cores']} cores of an {record['device']}, {record['photos_per_s']:.0f} a second; "
        f"{record['stored']} were stored and {record['copies']} were exact copies. The largest process took "
        f"{record['peak_memory_mib']:.0f} MiB, and {record['peak_memory_mib_of_500']:.0f} for 500 photos. The command "
        f"run again found nothing to do in {record['second_run_seconds']:.0f} s; with {record['kills']} `kill -9` on "
        f"the way it ended with {same}."
    )


def simulated(record: Record) -> str:
    """What training on simulated recaptures alone gives on real ones."""
    whole = record["results"][0]
    reached = "reached" if whole["auc"]["value"] >= record["target"] else "**missed**"
    intro = (
        f"A head was solved on genuine photos ({record['photos']} real photos of {record['groups']} authors in "
        f"{record['folds']} folds, recaptures only tested on) and the simulated recaptures of the fold's training "
        f"authors alone ({record['simulated']} of all authors), then tested on the real photos of unseen authors: AUC "
        f"{_auc(whole)}; "
        f"the target of {record['target']:g} is {reached}. "
        f"Settings that were looked at on these photos: {record['trials']}. The training authors' real recaptures "
        f"alone give {_auc(record['real_alone'])}, and with the simulated ones {_auc(record['real_and_simulated'])}."
    )
    kinds = sorted(whole["by_kind"], key=lambda kind: -whole["by_kind"][kind][1])
    trained = [(f"without {one['without']}" if one["without"] else "all screens", one) for one in record["results"]]
    trained += [
        ("real recaptures alone", record["real_alone"]),
        ("real ones and all screens", record["real_and_simulated"]),
    ]
    rows = [
        [
            name,
            _auc(one),
            f"{one['mean_of_groups']:.3f}",
            *(f"{one['by_kind'][kind][0]:.3f}" for kind in kinds),
            f"{one['simulated_auc']:.3f}",
        ]
        for name, one in trained
    ]
    columns = [
        "trained on",
        "AUC",
        "mean of authors",
        *(f"{kind} ({whole['by_kind'][kind][1]})" for kind in kinds),
    ]
    return "\n\n".join([intro, table([*columns, "simulated test photos"], rows)])


def simulated_line(record: Record) -> str:
    """The same in short."""
    return (
        "A head that is trained on genuine photos and on recaptures that `edgekit data recapture` simulated, without a "
        f"single real one, reaches AUC {_auc(record['results'][0])} on the real photos of unseen authors; with real "
        f"recaptures instead, {_auc(record['real_alone'])}. The simulator was made with real recaptures in view, and "
        f"{record['trials']} settings were tried on these photos: "
        "[docs/data.md](docs/data.md#edgekit-data-recapture-simulated-recaptures)."
    )


def simulator(record: Record) -> str:
    """Whether simulated photos can be told from real ones, and what they add to real ones."""
    screens = Counter[str]()
    for one in record["made"]:
        screens.update(one["screens"])
    controls = record["probes"][0]
    intro = (
        f"{record['photos']} real photos of {record['groups']} authors; {sum(screens.values())} simulated recaptures "
        f"({', '.join(f'{name} {number}' for name, number in sorted(screens.items()))}) of some of their genuine "
        f"photos, of which {controls['simulated']} were photographed again as controls; "
        f"{record['network']['backbone']}, "
        f"{record['plan']['crops']} crops, float features. A linear probe tells controls from real genuine photos of "
        f"authors that it never saw at **AUC {controls['auc']:.3f}**. The settings were looked at on these photos "
        f"{record['looks']} times."
    )
    kinds = [kind for kind, (_, number) in record["alone"]["found"].items() if number >= 6]
    rows = [
        [
            "simulated photos alone" if row["weight"] is None else f"{row['weight']:g}",
            percent(row["balanced_accuracy"]),
            f"{row['auc']:.3f}",
            percent(row["worst_group"]),
            *(f"{round(share * number)} of {number}" for share, number in (row["found"][kind] for kind in kinds)),
        ]
        for row in (*record["beside"], record["alone"])
    ]
    columns = ["weight", "balanced accuracy", "AUC", "worst author", *(f"{kind} found" for kind in kinds)]
    return "\n\n".join([intro, table(columns, rows)])


def _auc(result: Record) -> str:
    return interval(result["auc"], scale=1.0)
