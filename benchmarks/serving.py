"""`edgekit serve` under twice the load that it can carry: what it answers, how late, and what memory does meanwhile.

    python benchmarks/serving.py MODEL PHOTOS --out benchmarks/results/serving.json

The server is a process of its own with its defaults. First one client sends photos one after the other (unloaded), then
as many clients as there are places send as fast as they are answered (what it can carry), then requests begin at twice
that rate, whether or not earlier ones are answered, a third of them hostile: cut and damaged files, texts under a
photo's name, bodies beyond the limit, forms that break off, connections that are closed in the middle, and heads that
never end. The client runs on the same cores, and takes its share of them;
with `--server-nice -5`, which needs root, a smaller one, as a client elsewhere would take none.

Wanted: no 5xx but 503, a 95th percentile of accepted good photos within 1.5 of the unloaded one, and memory that does
not grow from the first quarter of the loaded time to the last.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import re
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edgekit import __version__
from edgekit.records import file_sha256, write_json
from edgekit.runtime.agent.machine import processor, usable_cores
from edgekit.runtime.timing import Latency
from edgekit.serve.options import MB, ServeConfig

OVERLOAD = 2.0
HOSTILE_SHARE = 1 / 3
WITHIN = 1.5
# Noise of the allocator and of pages that are first touched.
FLAT_MIB = 8.0
SAMPLE_S = 0.5
ANSWER_S = 60.0
HEAD = "POST /v1/classify HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n{more}\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What was measured.

    Attributes:
        unloaded: Milliseconds of verdicts, one client and one photo after the other.
        capacity_per_s: Good photos a second where clients wait for their answers.
        offered_per_s: Requests that began each second under load.
        accepted: Milliseconds of good photos that got a verdict under load.
        statuses: How often each status was answered, or how a connection ended without one, by kind of request.
        resident_mib: Median of the server's resident set in the first and in the last quarter of the loaded time.
    """

    unloaded: Latency
    capacity_per_s: float
    offered_per_s: float
    accepted: Latency
    statuses: dict[str, dict[str, int]]
    resident_mib: tuple[float, float]

    @property
    def p95_ratio(self) -> float:
        """The 95th percentile of accepted photos over the unloaded one."""
        return self.accepted.p95_ms / self.unloaded.p95_ms

    def missed(self) -> Iterator[str]:
        """What was wanted and is not so."""
        bad = sorted({one for kind in self.statuses.values() for one in kind if one.startswith("5") and one != "503"})
        if bad:
            yield f"5xx but 503: {', '.join(bad)}"
        lost = self.statuses.get("good", {}).keys() - {"200", "503"}
        if lost:
            yield f"good photos without an answer: {', '.join(sorted(lost))}"
        if not self.p95_ratio <= WITHIN:
            yield f"p95 {self.p95_ratio:.2f} of the unloaded one, wanted {WITHIN} at most"
        first, last = self.resident_mib
        if last - first > FLAT_MIB:
            yield f"memory grew from {first} to {last} MiB"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingRecord:
    """A measurement with its conditions; ``missed`` is empty where all is as wanted.

    Attributes:
        server_nice: How much lower the server's priority is than the client's; below zero it comes first.
    """

    edgekit: str
    model: str
    model_sha256: str
    processor: str
    cores: int
    interpreter: str
    config: ServeConfig
    server_nice: int
    photos: int
    loaded_s: float
    load: Load
    p95_ratio: float
    missed: tuple[str, ...]


@dataclass(slots=True)
class Seen:
    """What clients saw."""

    statuses: dict[str, Counter[str]] = field(default_factory=dict)
    accepted_ms: list[float] = field(default_factory=list)

    def note(self, kind: str, status: str) -> None:
        """Count an answer."""
        self.statuses.setdefault(kind, Counter())[status] += 1


def request_of(kind: str, content: bytes, port: int, rng: random.Random) -> tuple[bytes, float]:
    """The bytes of a request, and for how many seconds its client then stays on; 0: until it is answered."""
    cut = rng.randrange(1, max(2, len(content)))
    if kind == "cut":
        content = content[:cut]
    elif kind == "damaged":
        content = content[:cut] + rng.randbytes(200) + content[cut + 200 :]
    elif kind == "text":
        content = b"<html>" + content[:cut].hex().encode()
    length = 10**10 if kind == "endless" else len(content)
    head = HEAD.format(port=port, more=f"Content-Type: image/jpeg\r\nContent-Length: {length}\r\n").encode()
    if kind == "form":
        more = "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 4000\r\n"
        return HEAD.format(port=port, more=more).encode() + b"--b\r\nContent-Disposition: form-data".ljust(
            4000, b"x"
        ), 0
    if kind == "head":
        return head[:cut], 1.0
    if kind == "leaves":
        return head + content[:cut], 0.05
    return head + content, 0


HOSTILE = ("cut", "damaged", "text", "endless", "form", "head", "leaves")


async def send(port: int, kind: str, content: bytes, seen: Seen, rng: random.Random) -> None:
    """One request on a connection of its own."""
    sent, stay_s = request_of(kind, content, port, rng)
    began = time.perf_counter()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        seen.note(kind, "no connection")
        return
    try:
        writer.write(sent)
        await writer.drain()
        if stay_s:
            await asyncio.sleep(stay_s)
            seen.note(kind, "left")
            return
        answer = await asyncio.wait_for(reader.read(), ANSWER_S)
        status = answer[9:12].decode() if answer.startswith(b"HTTP/1.1 ") else "closed"
        seen.note(kind, status)
        if kind == "good" and status == "200":
            seen.accepted_ms.append(1000 * (time.perf_counter() - began))
    except (OSError, asyncio.TimeoutError) as failure:
        seen.note(kind, "too late" if isinstance(failure, asyncio.TimeoutError) else "reset")
    finally:
        writer.close()


async def measure(port: int, pid: int, photos: Sequence[bytes], config: ServeConfig, seconds: float) -> Load:
    """All three parts; see the head of this file."""
    rng, turns = random.Random(0), itertools.cycle(photos)
    alone = Seen()
    for _ in range(3):
        await send(port, "good", next(turns), Seen(), rng)
    end = time.perf_counter() + seconds / 4
    while time.perf_counter() < end:
        await send(port, "good", next(turns), alone, rng)

    many = Seen()
    began, end = time.perf_counter(), time.perf_counter() + seconds / 4

    async def client() -> None:
        while time.perf_counter() < end:
            await send(port, "good", next(turns), many, rng)

    await asyncio.gather(*(client() for _ in range(config.workers + config.queue)))
    capacity = len(many.accepted_ms) / (time.perf_counter() - began)

    loaded, resident, tasks = Seen(), list[float](), set[asyncio.Task[None]]()
    pause = 1 / (OVERLOAD * capacity)
    began = at = time.perf_counter()
    sample = 0.0
    while at < began + seconds:
        kind = rng.choice(HOSTILE) if rng.random() < HOSTILE_SHARE else "good"
        task = asyncio.create_task(send(port, kind, next(turns), loaded, rng))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        if at - began >= sample:
            resident.append(resident_mib(pid))
            sample += SAMPLE_S
        at += rng.expovariate(1 / pause)
        await asyncio.sleep(max(0.0, at - time.perf_counter()))
    await asyncio.gather(*tasks)
    quarter = max(1, len(resident) // 4)
    first, last = (round(float(np.median(part)), 1) for part in (resident[:quarter], resident[-quarter:]))
    return Load(
        unloaded=Latency.of(alone.accepted_ms),
        capacity_per_s=round(capacity, 2),
        offered_per_s=round(sum(map(Counter.total, loaded.statuses.values())) / seconds, 2),
        accepted=Latency.of(loaded.accepted_ms),
        statuses={kind: dict(sorted(found.items())) for kind, found in sorted(loaded.statuses.items())},
        resident_mib=(first, last),
    )


def resident_mib(pid: int) -> float:
    """What a process holds in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> int:
    """Start the server, measure, write the record; 1 where something is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="a .tflite file")
    parser.add_argument("photos", type=Path, help="a folder of photos")
    parser.add_argument("--seconds", type=float, default=60.0, help="of the loaded part")
    parser.add_argument("--queue", type=int, default=ServeConfig().queue, help="as of the server")
    parser.add_argument("--workers", type=int, default=ServeConfig().workers, help="as of the server")
    parser.add_argument("--server-nice", type=int, default=0, help="added to the server's niceness; below 0 needs root")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    files = sorted(one for one in asked.photos.rglob("*") if one.suffix.lower() in (".jpg", ".jpeg", ".png"))
    photos = [one.read_bytes() for one in files if one.stat().st_size < ServeConfig().max_mb * MB]
    random.Random(1).shuffle(photos)
    config = ServeConfig(queue=asked.queue, workers=asked.workers)
    command = [sys.executable, "-m", "edgekit", "serve", str(asked.model), "--port", "0"]
    command += ["--queue", str(config.queue), "--workers", str(config.workers)]
    if asked.server_nice:
        command = ["nice", "-n", str(asked.server_nice), *command]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            port = next(int(found[1]) for line in server.stderr if (found := re.search(r":(\d+)/ \(Ctrl-C", line)))
            load = asyncio.run(measure(port, server.pid, photos, config, asked.seconds))
            with urllib.request.urlopen(f"http://localhost:{port}/v1/model", timeout=10) as answer:
                interpreter = json.load(answer)["interpreter"]
        finally:
            server.terminate()
    record = ServingRecord(
        edgekit=__version__,
        model=asked.model.name,
        model_sha256=file_sha256(asked.model),
        processor=processor(),
        cores=usable_cores(),
        interpreter=interpreter,
        config=config,
        server_nice=asked.server_nice,
        photos=len(photos),
        loaded_s=asked.seconds,
        load=load,
        p95_ratio=round(load.p95_ratio, 3),
        missed=tuple(load.missed()),
    )
    write_json(asked.out, record)
    for line in record.missed or ["all is as wanted"]:
        print(line)
    return 1 if record.missed else 0


if __name__ == "__main__":
    sys.exit(main())
