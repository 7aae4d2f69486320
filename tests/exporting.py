"""Writes exports as docs/phone-files.md has them, with this machine as the phone: real verdicts, real rows."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from edgekit.records import plain, sha256
from edgekit.runtime import Classifier, read_bundle
from edgekit.runtime.agent.job import Job, Setting
from edgekit.runtime.agent.pace import Pace
from edgekit.runtime.agent.run import run_job

CREATED = "2026-11-30T18:02:11.004Z"
APP, DEVICE = "edgekit.capture 0.1.0", "Google Pixel 7"
PACE = {"warmup_runs": 1, "warmup_s": 0.0, "min_runs": 10, "min_s": 0.0, "repeats": 2, "cool_down_s": 0.0}
SETTINGS = [
    {"crops": crops, "threads": threads, "stops_early": False, "delegate": "default"}
    for threads in (1, 2)
    for crops in (1, 3)
]


def picture(colour, seed=0, ending="jpg"):
    """A picture of one colour with a speck that makes it one of its kind, as a file's content."""
    pixels = np.full((48, 64, 3), colour, np.uint8)
    pixels[:4, :4] = np.random.default_rng(seed).integers(0, 256, 3)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}[ending])
    return file.getvalue()


def table(rows, columns):
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([columns, *([row[column] for column in columns] for row in rows)])
    return text.getvalue().encode()


def pack(path, members, compression=zipfile.ZIP_DEFLATED):
    """A zip file of members by name; None leaves one out."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            if content is not None:
                archive.writestr(name, content)
    return path


def lines(rows):
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def capture(model, content, number, truth, *, ending="jpg", crops=None):
    """What a phone would keep beside a photo: this machine's own verdict on it."""
    bundle = read_bundle(model)
    with Classifier(bundle) as classifier:
        said = classifier.classify(content, crops=crops).to_dict()
        engine = f"{classifier.interpreter}, {classifier.delegate}"
    name = f"20261130T07135512{number}Z-9f3a01bc"
    return {
        "schema": 1,
        "id": name,
        "photo": f"{name}.{ending}",
        "taken": "2026-11-30T07:13:55.123Z",
        "source": "shutter",
        "kept": "as-is",
        **said,
        "size_wh": [64, 48],
        "rotation": 0,
        "model": {"name": Path(model).name, "sha256": bundle.file_sha256},
        "device": DEVICE,
        "app": APP,
        "engine": engine,
        "threads": 1,
        "truth": truth,
    }


def captures_members(model):
    """Members of an export: two genuine photos, two recaptures, one that nobody said anything of."""
    red, blue = (230, 0, 20), (20, 0, 230)
    photos = [(red, "genuine"), (red, "genuine"), (blue, "recapture"), (blue, "recapture"), (red, None)]
    contents = [picture(colour, seed) for seed, (colour, _) in enumerate(photos)]
    told = [
        capture(model, content, number, truth)
        for number, (content, (_, truth)) in enumerate(zip(contents, photos, strict=True))
    ]
    rows, members = [], {}
    for one, content in zip(told, contents, strict=True):
        folder = "unlabelled" if one["truth"] is None else "photos"
        members[f"{folder}/{one['photo']}"] = content
        if one["truth"] is not None:
            row = {"path": f"photos/{one['photo']}", "label": one["truth"], "group": "4e81c2d0-20261130"}
            rows.append({**row, "camera": f"{DEVICE} back"})
    head = {
        "schema": 1,
        "kind": "captures",
        "app": APP,
        "device": DEVICE,
        "created": CREATED,
        "models": [told[0]["model"]],
        "captures": len(told),
    }
    return {
        "export.json": json.dumps(head).encode(),
        "manifest.csv": table(rows, ["path", "label", "group", "camera"]),
        **members,
        "verdicts.jsonl": lines(told),
    }


def export_captures(path, model):
    return pack(path, captures_members(model))


def upload_captures(folder, model):
    """The same captures as the app's upload folder has them; returns their records."""
    members = captures_members(model)
    rows = [json.loads(line) for line in members["verdicts.jsonl"].splitlines()]
    for row in rows:
        own = folder / row["id"]
        own.mkdir(parents=True)
        inside = "unlabelled" if row["truth"] is None else "photos"
        (own / row["photo"]).write_bytes(members[f"{inside}/{row['photo']}"])
        (own / f"{row['id']}.json").write_text(json.dumps(row), encoding="utf-8")
        origin = {"schema": 1, "installation": "4e81c2d0", "lens": "back"}
        (own / "origin.json").write_text(json.dumps(origin), encoding="utf-8")
    return rows


def sweep_members(model, folder, *, settings=SETTINGS, device=DEVICE, **head):
    """Members of a benchmark's export; its rows are those of this machine's own agent, of a job without cold starts."""
    photos = {}
    for number, (label, colour) in enumerate([("genuine", (230, 0, 20)), ("recapture", (20, 0, 230))] * 3):
        photos[f"photos/{5 - number}.png"] = label, picture(colour, number, "png")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "photos").mkdir(exist_ok=True)
    for name, (_, content) in photos.items():
        (folder / name).write_bytes(content)
    job = {
        "format": 2,
        "model": {"name": Path(model).name, "sha256": read_bundle(model).file_sha256},
        "photos": [{"path": name, "sha256": sha256(content)} for name, (_, content) in photos.items()],
        "crops": max(read_bundle(model).contract.plan.crops, *(one["crops"] for one in settings)),
        "timed": [3, 0, 1],
        "settings": list(settings),
        "pace": PACE,
        "seed": 0,
    }
    written = json.dumps(job, indent=2).encode()
    asked = Job(
        model=str(model),
        photos=tuple(str(folder / name) for name in photos),
        crops=job["crops"],
        timed=tuple(job["timed"]),
        settings=tuple(Setting(**one) for one in settings),
        pace=Pace(**PACE, cold_starts=0),
    )
    rows = [{"type": "header", "job": sha256(written)}, *map(plain, run_job(asked))]
    about = {"schema": 1, "kind": "bench", "platform": "android", "app": APP, "device": device, "created": CREATED}
    return {
        "export.json": json.dumps({**about, "quick": False, "job": sha256(written), **head}).encode(),
        "job.json": written,
        "manifest.csv": table(
            [{"path": name, "label": label, "group": f"g{label}"} for name, (label, _) in photos.items()],
            ["path", "label", "group"],
        ),
        **{name: content for name, (_, content) in photos.items()},
        "rows.jsonl": lines(rows),
    }


def changed_json(members, name, **values):
    """The members with other values in one that is JSON; what depends on ``job.json`` follows it."""
    record = {**json.loads(members[name]), **values}
    members = {**members, name: json.dumps(record).encode()}
    return rehashed(members) if name == "job.json" else members


def rehashed(members):
    """The members with the hash of their ``job.json`` wherever it belongs."""
    digest = sha256(members["job.json"])
    _, rows = members["rows.jsonl"].split(b"\n", 1)
    header = lines([{"type": "header", "job": digest}])
    return {**changed_json(members, "export.json", job=digest), "rows.jsonl": header + rows}
