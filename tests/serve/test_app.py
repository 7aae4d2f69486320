"""The API, over real connections."""

from __future__ import annotations

import io
import json
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image
from served import TOKEN, half_red, photo, serving

from edgekit.errors import ContractError
from edgekit.records import to_json
from edgekit.runtime import Classifier
from edgekit.scoring.predictions import PredictConfig, predict_photos
from edgekit.serve.answers import Models
from edgekit.serve.app import problem

RED, BLUE = photo(255, 0, 0), photo(0, 0, 255)


def told(answer, status):
    """A refusal, which is always a problem in JSON."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert (found["status"], found["type"]) == (status, "about:blank")
    return found["detail"]


def test_photos_get_the_rows_that_predict_prints(served, red_blue, tmp_path):
    files = {"red.jpg": RED, "blue.png": photo(0, 0, 255, kind="PNG")}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    answer = served.classify(*files.items())
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert [row["label"] for row in answer.json()] == ["genuine", "recapture"]
    with Classifier(red_blue) as classifier:
        rows = list(predict_photos(classifier, [tmp_path / name for name in files], PredictConfig()))
    # To the byte, but for what each call measures anew.
    blank = re.compile(r'"(ms|photo)": [^,\n]+')
    assert blank.sub("", answer.text) == blank.sub("", to_json(rows))


@pytest.mark.parametrize("kind", ["application/octet-stream", "image/jpeg", "IMAGE/anything; q=1"])
def test_raw_bytes_are_one_photo(served, kind):
    (row,) = served.ask.post("/v1/classify", content=BLUE, headers={"Content-Type": kind}).json()
    assert (row["photo"], row["label"]) == ("photo", "recapture")


def test_a_query_asks_for_crops_labels_and_boxes(served, red_blue):
    (row,) = served.classify(RED, crops=3, top=1, boxes="true").json()
    assert (row["crops"], list(row["top"])) == (3, ["genuine"])
    assert [one["label"] for one in row["boxes"]] == ["genuine"] * 3
    with Classifier(red_blue) as classifier:
        assert [one["box"] for one in row["boxes"]] == [
            list(one.box) for one in classifier.classify(RED, crops=3).crops
        ]
    assert "boxes" not in served.classify(RED).json()[0]


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("crops=0", "crops must be 1 to 32, got 0"),
        ("crops=33", "crops must be 1 to 32, got 33"),
        ("crops=two", "crops must be int, got 'two'"),
        ("top=-1", "top must be 0 to 1000, got -1"),
        ("boxes=yes", "boxes must be bool, got 'yes'"),
        ("crop=3", "unknown ['crop']"),
        ("crops=1&crops=2", "got 'crops' again"),
    ],
)
def test_a_query_is_read_strictly(served, query, rule):
    assert rule in told(served.ask.post(f"/v1/classify?{query}", files={"photo": RED}), 422)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "a photo must have content, got 0 bytes"),
        (b"<html>", "not a whole JPEG/PNG"),
        (RED[: len(RED) // 2], "not a whole JPEG picture"),
        (photo(size=(4, 4)), "a photo must be at least 8x8 px, got 4x4"),
        (b"PK\x03\x04" + bytes(50), "a zip archive"),
    ],
)
def test_what_is_no_photo_gets_the_rule_and_no_verdict(served, content, rule):
    answer = served.classify(content)
    assert rule in told(answer, 422)
    assert answer.json()["photos"][0]["label"] == ""


def test_a_bad_photo_among_good_ones_has_an_error_in_its_row(served):
    rows = served.classify(RED, b"no photo", BLUE).json()
    assert [row["label"] for row in rows] == ["genuine", "", "recapture"]
    assert "not a whole" in rows[1]["error"]


def form(charset):
    """The head of a form that names a charset."""
    return {"Content-Type": f"multipart/form-data; boundary=b; charset={charset}"}


def part(charset):
    """A form with a name that no charset has."""
    return b'--b\r\nContent-Disposition: form-data; name="xn--\xff\xfe"\r\n\r\n' + charset.encode() + b"\r\n--b--\r\n"


@pytest.mark.parametrize(
    ("sent", "status", "rule"),
    [
        ({"files": {"picture": RED}}, 400, "each named 'photo', got 'picture'"),
        ({"files": {"photo": RED}, "data": {"photo": "text"}}, 400, "must have files alone"),
        ({"files": [("photo", RED)] * 17}, 400, "1 to 16 photos: Too many files"),
        ({"data": b"--b\r\nno part", "headers": {"Content-Type": "multipart/form-data; boundary=b"}}, 400, "whole"),
        ({"data": b"--b--\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=b"}}, 400, "got none"),
        ({"data": RED, "headers": {"Content-Type": "multipart/form-data"}}, 400, "boundary"),
        ({"data": RED, "headers": {"Content-Type": "multipart/form-data; boundary=" + "b" * 300}}, 400, "whole"),
        ({"data": part("undefined"), "headers": form("undefined")}, 400, "undefined encoding"),
        ({"data": part("idna"), "headers": form("idna")}, 400, "a form must"),
        ({"json": {"photo": "cat.jpg"}}, 415, "got 'application/json'"),
        ({"content": RED}, 415, "got ''"),
    ],
)
def test_a_body_that_is_no_form_and_no_photo_is_refused(served, sent, status, rule):
    sent = {"content" if key == "data" and isinstance(value, bytes) else key: value for key, value in sent.items()}
    assert rule in told(served.ask.post("/v1/classify", **sent), status)


def test_a_photo_that_the_model_fails_on_has_an_error_in_its_row(served, monkeypatch):
    sound = Classifier.classify

    def classify(self, content, **asked):
        if content == BLUE:
            raise ContractError("scores must be probabilities, got nan")
        return sound(self, content, **asked)

    monkeypatch.setattr(Classifier, "classify", classify)
    red, blue = served.classify(("red.jpg", RED), ("blue.jpg", BLUE)).json()
    assert (red["label"], red["error"]) == ("genuine", "")
    assert (blue["label"], blue["error"]) == ("", "blue.jpg: scores must be probabilities, got nan")


def test_what_the_model_fails_on_is_a_problem_too(red_blue_file, monkeypatch):
    def explain(*_):
        raise ContractError("scores must be probabilities, got nan")

    monkeypatch.setattr(Models, "explain", explain)
    with serving(red_blue_file) as served:
        answer = served.ask.post("/v1/explain", files={"photo": RED})
    assert told(answer, 500) == "scores must be probabilities, got nan"
    assert "content-security-policy" in answer.headers


def test_other_paths_and_methods_are_problems_too(served):
    assert told(served.ask.get("/v2"), 404) == "Not Found"
    assert told(served.ask.get("/docs/"), 404) == "Not Found"
    answer = served.ask.get("/v1/classify")
    assert (told(answer, 405), answer.headers["allow"]) == ("Method Not Allowed", "POST")


def test_every_answer_has_the_policy(served):
    for path in ("/", "/v1/model", "/docs", "/nowhere"):
        headers = served.ask.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_the_server_says_what_it_is_and_what_it_takes(served):
    told_of = served.ask.get("/v1/model").json()
    assert (told_of["labels"], told_of["max_photos"], told_of["keeps_photos"]) == (["genuine", "recapture"], 16, False)
    assert served.ask.get("/healthz").text == "ok\n"
    page = served.ask.get("/docs").text
    assert "POST /v1/classify" in page
    assert "<script" not in page


def test_a_rule_for_unknown_is_told_with_its_score_whatever_the_answer(unknown_file):
    with serving(unknown_file) as strange:
        red, grey = strange.classify(RED, photo(90, 90, 90)).json()
        rule = strange.ask.get("/v1/model").json()["unknown"]
    assert (red["label"], grey["label"]) == ("red", "unknown")
    assert 0 < red["unknown"] < rule["threshold"] <= grey["unknown"] == grey["score"]
    assert rule == {"rule": "energy", "threshold": 0.5, "false_accept": None, "false_reject": None, "auroc": None}


def test_without_such_a_rule_nothing_is_told_of_it(served):
    assert served.classify(RED).json()[0]["unknown"] is None
    assert served.ask.get("/v1/model").json()["unknown"] is None


class TestExplanations:
    def test_it_says_which_parts_an_answer_rests_on(self, served):
        found = served.ask.post("/v1/explain?cells=16", files={"photo": half_red()}).json()
        assert (found["label"], found["size_wh"]) == ("genuine", [96, 96])
        rows = found["log_odds"]
        assert (len(rows) + 1, len(rows[0]) + 1) == (len(found["y_edges"]), len(found["x_edges"]))
        columns = [sum(row[at] for row in rows) for at in range(len(rows[0]))]
        assert columns[0] > max(0.0, columns[-1])

    def test_a_label_may_be_named(self, served):
        found = served.ask.post("/v1/explain?cells=16&label=recapture", files={"photo": half_red()}).json()
        assert (found["label"], found["answer"]) == ("recapture", "genuine")
        assert found["base_log_odds"] < 0

    @pytest.mark.parametrize(
        ("sent", "query", "status", "rule"),
        [
            ([RED, RED], "", 400, "an explanation is of one photo, got 2"),
            ([b"no photo"], "", 422, "not a whole"),
            ([photo(size=(10, 10))], "", 422, "at least 12 px wide and high"),
            ([RED], "?cells=8", 422, "cells must be 9 to 400, got 8"),
            ([RED], "?fine=x", 422, "unknown ['fine']"),
            ([RED], "?label=7", 422, "the label must be one that the model knows (genuine, recapture), got '7'"),
        ],
    )
    def test_what_can_not_be_explained_is_refused(self, served, sent, query, status, rule):
        files = [("photo", one) for one in sent]
        assert rule in told(served.ask.post(f"/v1/explain{query}", files=files), status)

    def test_its_time_is_bounded(self, red_blue_file):
        with serving(red_blue_file, explain_s=0.1) as served:
            large = photo(size=(1600, 1200))
            answer = served.ask.post("/v1/explain?cells=400", files={"photo": large})
            assert "may take at most 0.1 s; ask for fewer cells" in told(answer, 503)
            assert "retry-after" not in answer.headers
            assert served.classify(RED).status_code == 200

    def test_its_connection_lasts_as_long(self, red_blue_file, monkeypatch):
        sound = Models.explain

        def explain(*given):
            time.sleep(2)
            return sound(*given)

        monkeypatch.setattr(Models, "explain", explain)
        with serving(red_blue_file, head_s=0.2, upload_s=0.2, answer_s=1) as served:
            assert served.ask.post("/v1/explain?cells=9", files={"photo": half_red()}).status_code == 200


class TestLimits:
    def test_a_body_beyond_the_limit_is_cut_whether_it_says_so_or_not(self, red_blue_file):
        with serving(red_blue_file, max_mb=1) as served:
            large = RED + bytes(1_200_000)
            headers = {"Content-Type": "image/jpeg"}
            rule = "a request must have at most 1 MB"
            assert rule in told(served.ask.post("/v1/classify", content=large, headers=headers), 413)
            pieces = (large[at : at + 1000] for at in range(0, len(large), 1000))
            assert rule in told(served.ask.post("/v1/classify", content=pieces, headers=headers), 413)
            assert rule in told(served.classify(large), 413)
            # What was let go by is not held.
            assert "edgekit_held_bytes 0\n" in served.ask.get("/metrics").text

    def test_a_slow_upload_ends(self, red_blue_file):
        with serving(red_blue_file, upload_s=0.3) as served:
            began = time.monotonic()
            with socket.create_connection(("127.0.0.1", served.port), timeout=10) as line:
                line.sendall(head(served, 1000) + b"\xff\xd8")
                answer = line.recv(4096)
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert time.monotonic() - began < 5

    def test_a_connection_that_sends_no_head_ends(self, red_blue_file):
        with serving(red_blue_file, head_s=0.2) as served:
            with socket.create_connection(("127.0.0.1", served.port), timeout=10) as line:
                assert line.recv(10) == b""
            with socket.create_connection(("127.0.0.1", served.port), timeout=10) as line:
                line.sendall(b"GET / HT")
                assert ends(line)

    def test_connections_are_bounded(self, red_blue_file, monkeypatch):
        monkeypatch.setattr("edgekit.serve.server.MAX_CONNECTIONS", 3)
        with serving(red_blue_file) as served:
            lines = [socket.create_connection(("127.0.0.1", served.port), timeout=10) for _ in range(4)]
            assert ends(lines[3])
            lines[0].sendall(f"GET /healthz HTTP/1.1\r\nHost: localhost:{served.port}\r\n\r\n".encode())
            assert lines[0].recv(100).startswith(b"HTTP/1.1 200 ")
            for line in lines:
                line.close()

    def test_what_all_uploads_hold_is_bounded(self, red_blue_file):
        with serving(red_blue_file, max_mb=1, held_mb=1) as served, _WaitingUpload(served, 900_000):
            answer = served.ask.post("/v1/classify", content=bytes(200_000), headers={"Content-Type": "image/png"})
            assert "too many uploads at once" in told(answer, 503)
            assert answer.headers["retry-after"] == "1"
            assert served.classify(RED).status_code == 200


class TestFull:
    """One worker, and nobody may wait."""

    @pytest.fixture
    def slow(self, red_blue_file):
        with serving(red_blue_file, workers=1, queue=0) as served:
            release = threading.Event()
            # Work that takes as long as the test wants, in the place of a photo's.
            began = served.service._desk.submit(release.wait)
            yield served, release
            release.set()
            began.result()

    def test_one_more_is_told_to_come_again(self, slow):
        served, release = slow
        answer = served.classify(RED)
        assert "all workers are at work" in told(answer, 503)
        assert answer.headers["retry-after"] == "1"
        metrics = served.ask.get("/metrics").text
        assert 'edgekit_queue{work="classify",state="working"} 1\n' in metrics
        assert 'edgekit_requests_total{route="/v1/classify",status="503"} 1\n' in metrics
        release.set()
        deadline = time.monotonic() + 10
        while (again := served.classify(RED)).status_code == 503 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert again.json()[0]["label"] == "genuine"

    def test_a_refused_body_of_many_bytes_still_hears_the_answer(self, slow):
        answer = slow[0].ask.post("/v1/classify", content=bytes(20_000_000), headers={"Content-Type": "image/png"})
        assert "all workers are at work" in told(answer, 503)


def test_a_client_that_leaves_is_no_error(served):
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as line:
        line.sendall(head(served, 1000) + b"\xff\xd8")
    deadline = time.monotonic() + 10
    while 'status="499"' not in (metrics := served.ask.get("/metrics").text) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert 'edgekit_requests_total{route="/v1/classify",status="499"} 1\n' in metrics
    assert 'status="500"' not in metrics


def test_requests_at_once_get_their_own_answers(served):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: (number, served.classify((RED, BLUE)[number % 2])), range(40)))
    assert {answer.status_code for _, answer in answers} <= {200, 503}
    for number, answer in answers:
        if answer.status_code == 200:
            assert answer.json()[0]["label"] == ("genuine", "recapture")[number % 2]
    assert sum(answer.status_code == 200 for _, answer in answers) >= 2


def test_metrics_count_what_was_judged(red_blue_file):
    with serving(red_blue_file) as served:
        served.classify(RED, b"no photo")
        served.classify(b"no photo")
        metrics = served.ask.get("/metrics")
        assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
        lines = metrics.text.splitlines()
        assert 'edgekit_photos_total{outcome="judged"} 1' in lines
        assert 'edgekit_photos_total{outcome="refused"} 2' in lines
        assert "edgekit_answer_seconds_count 2" in lines
        assert f"edgekit_upload_bytes_total {len(RED) + 16}" in lines


def test_photos_are_kept_where_that_was_asked_for(red_blue_file, tmp_path):
    with serving(red_blue_file, tmp_path / "kept") as served:
        assert served.ask.get("/v1/model").json()["keeps_photos"] is True
        served.classify(RED, b"no photo", BLUE)
        assert 'edgekit_kept_photos{outcome="kept"} 2\n' in served.ask.get("/metrics").text
    assert sorted(one.suffix for one in (tmp_path / "kept").iterdir()) == [".jpg", ".jpg", ".json", ".json"]


def test_with_a_token_nothing_of_the_model_is_told_without(red_blue_file):
    with serving(red_blue_file, token=TOKEN) as served:
        for path in ("/v1/model", "/metrics"):
            assert "a token is needed" in told(served.ask.get(path), 401)
        assert served.classify(RED).headers["www-authenticate"] == "Bearer"
        served.ask.headers["Authorization"] = f"Bearer {TOKEN}"
        assert served.classify(RED).json()[0]["label"] == "genuine"


def test_a_page_logs_in_by_a_cookie_that_is_not_the_token(red_blue_file):
    with serving(red_blue_file, token=TOKEN) as served:
        assert told(served.ask.post("/login", content="another"), 401) == "that is not this server's token"
        assert told(served.ask.post("/login", content=b"x" * 2000), 413)
        answer = served.ask.post("/login", content=TOKEN)
        assert answer.status_code == 204
        assert {"HttpOnly", "SameSite=strict"} <= set(answer.headers["set-cookie"].split("; "))
        assert TOKEN not in answer.headers["set-cookie"]
        assert served.classify(RED).status_code == 200


def test_a_problem_is_named_by_its_status():
    assert json.loads(problem(413, "rule").body)["title"]


def head(served, length):
    lines = ("POST /v1/classify HTTP/1.1", f"Host: localhost:{served.port}", "Content-Type: image/jpeg")
    return "\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode()


def ends(line):
    """Whether the other side closes a connection, however it does."""
    try:
        return line.recv(10) == b""
    except ConnectionResetError:
        return True


class _WaitingUpload:
    """An upload that has sent some bytes of more, and waits."""

    def __init__(self, served, size):
        self._line = socket.create_connection(("127.0.0.1", served.port), timeout=10)
        self._line.sendall(head(served, size + 1) + bytes(size))
        self._served, self._size = served, size

    def __enter__(self):
        deadline = time.monotonic() + 10
        while f"edgekit_held_bytes {self._size}\n" not in self._served.ask.get("/metrics").text:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def __exit__(self, *exception):
        self._line.close()


@pytest.fixture(scope="module")
def of_regions(marks_file):
    with serving(marks_file) as served:
        yield served


class TestRegions:
    """A model whose detector finds bright squares on black."""

    @pytest.mark.parametrize(
        ("marks", "label"),
        [([(2, 1, (255, 0, 0)), (5, 6, (0, 0, 255))], "genuine, recapture"), ([], "no face")],
        ids=["two", "none"],
    )
    def test_each_has_an_answer_and_a_box(self, of_regions, marked_photo, marks, label):
        written = io.BytesIO()
        Image.fromarray(marked_photo(*marks)).save(written, "PNG")
        (row,) = of_regions.classify(written.getvalue(), boxes="true").json()
        assert row["label"] == label
        assert [(one["box"], one["label"]) for one in row["boxes"]] == [
            (one["box"], one["label"]) for one in row["regions"]
        ]
        assert len(row["regions"]) == len(marks)

    def test_reasons_are_of_whole_photos(self, of_regions):
        answer = of_regions.ask.post("/v1/explain", files={"photo": RED})
        assert "got a model that answers for regions" in told(answer, 422)
