"""Models that others made, and edgekit's own in other tools."""

from __future__ import annotations

from rendering.common import Record, table


def adopted(record: Record) -> str:
    """How many public classifiers could be adopted, and why the others could not."""
    files = record["files"]
    classifiers = [one for one in files if one["kind"] == "classifier"]
    compiled = [one for one in classifiers if one["compiled"]]
    done = [one for one in classifiers if one["verdict"] == "adopted"]
    refused = [one for one in classifiers if one["verdict"] == "refused" and not one["compiled"]]
    sources = {one["source"] for one in files}
    silent = sum("mean and std" in one["needed"] for one in done)
    float_most = max(one["largest_difference"] for one in done if one["limit"] < 1e-3)
    steps_most = max(one["largest_difference"] for one in done if one["limit"] >= 1e-3)
    intro = (
        f"Of {len(files)} different `.tflite` files in {len(sources)} public repositories, {len(classifiers)} take one "
        f"picture and give one vector of scores. {len(compiled)} of these were compiled for an Edge TPU. Of the other "
        f"{len(classifiers) - len(compiled)}, **{len(done)} could be adopted**; {silent} needed `--mean` and `--std`, "
        f"as nothing in them says it. The largest difference of a probability on {record['photos']} photos was "
        f"{float_most:.1g} in float and {steps_most:.4f} with quantised scores ({record['interpreter']})."
    )
    rows = [[one["source"], one["name"], one["cause"].split(". ")[0].split("; ")[0][:120]] for one in refused]
    return f"{intro}\n\n{table(['repository', 'not adopted', 'cause'], rows)}"


def frames(record: Record) -> str:
    """One squashed frame against crops."""
    rows = [
        [
            "`--single-frame`" if one["plan"] == "1 of full" else "as it is",
            one["plan"],
            *(f"{one[key]} of {one['photos']}" for key in ("contract", "frame", "tasks")),
        ]
        for one in record["models"]
    ]
    columns = ["the demo's model", "crops", "right by its contract", "one squashed frame", "MediaPipe Tasks"]
    intro = (
        f"On test photos of the demo, MediaPipe {record['mediapipe']}; the squashed frame is our own copy of what "
        "MediaPipe does:"
    )
    return f"{intro}\n\n{table(columns, rows)}"


def frames_line(record: Record) -> str:
    """The same in a sentence, for the README."""
    crops, frame = record["models"]
    return (
        "MediaPipe Tasks shows a model one squashed frame, and knows neither crops nor threshold: there the demo's "
        f"file is right on {crops['tasks']} of {crops['photos']} test photos, by its contract on {crops['contract']}. "
        f"`edgekit convert --single-frame` makes a file for that ({frame['tasks']} of {frame['photos']}): "
        "[docs/adopt.md](docs/adopt.md#the-other-way-edgekits-file-in-other-tools)."
    )
