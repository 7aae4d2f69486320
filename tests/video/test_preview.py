"""The live view, over real connections."""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import threading
import time
from contextlib import closing
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from edgekit.errors import VideoError
from edgekit.video.preview import QUIT, SHOOT, Preview

RED = np.full((300, 2000, 3), (255, 0, 0), np.uint8)


@pytest.fixture
def preview():
    with closing(Preview()) as opened:
        yield opened


@pytest.fixture
def ask(preview):
    """``ask("GET", "line")``: status, kind and content."""
    at = urlsplit(preview.address)

    def ask(method, path, *, host=None, whole_path=None):
        with closing(http.client.HTTPConnection(at.hostname, at.port, timeout=10)) as connection:
            headers = {} if host is None else {"Host": host}
            connection.request(method, whole_path or at.path + path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type", ""), answer.read()

    return ask


def test_the_page_has_the_view_and_the_keys(ask):
    status, kind, content = ask("GET", "")
    assert (status, kind) == (200, "text/html; charset=utf-8")
    assert b'src="stream"' in content
    assert b'id="shoot"' in content


def test_frames_come_as_they_are_shown_and_smaller(preview):
    at = urlsplit(preview.address)
    preview.show(RED, "1 photo")
    with closing(http.client.HTTPConnection(at.hostname, at.port, timeout=10)) as connection:
        connection.request("GET", at.path + "stream")
        stream = connection.getresponse()
        for colour in ((255, 0, 0), (0, 0, 255)):
            assert stream.readline() == b"--frame\r\n"
            assert stream.readline() == b"Content-Type: image/jpeg\r\n"
            length = int(stream.readline().split(b":")[1])
            stream.readline()
            with Image.open(io.BytesIO(stream.read(length))) as frame:
                assert frame.size == (960, 144)
                assert np.abs(np.subtract(frame.getpixel((5, 5)), colour)).max() < 12
            stream.readline()
            preview.show(RED[:, :, ::-1].copy(), "2 photos")


def test_the_line_is_text(preview, ask):
    preview.show(RED, "3 photos – <b>")
    assert ask("GET", "line") == (200, "text/plain; charset=utf-8", "3 photos – <b>".encode())


def test_keys_arrive_in_order_and_do_not_pile_up(preview, ask):
    assert preview.poll() == ""
    ask("POST", "key/shoot")
    ask("POST", "key/quit")
    assert [preview.poll(), preview.poll(), preview.poll()] == [SHOOT, QUIT, ""]
    for _ in range(40):
        assert ask("POST", "key/shoot")[0] == 200
    assert sum(preview.poll() == SHOOT for _ in range(60)) == 16


@pytest.mark.parametrize("host", ["LocalHost", "LOCALHOST:8080", "[::1]:1", "127.0.0.1"])
def test_this_machines_own_names_are_answered(preview, ask, host):
    assert ask("GET", "line", host=host)[0] == 200


@pytest.mark.parametrize(
    ("method", "whole_path", "host"),
    [
        pytest.param("GET", "/", None, id="without-the-secret"),
        pytest.param("GET", "/guess/line", None, id="wrong-secret"),
        pytest.param("POST", "/guess/key/shoot", None, id="key-with-wrong-secret"),
        pytest.param("GET", None, "evil.example", id="another-host"),
        pytest.param("POST", None, "evil.example:80", id="another-host-with-port"),
    ],
)
def test_others_are_refused(preview, ask, method, whole_path, host):
    path = "key/shoot" if method == "POST" else "line"
    assert ask(method, path, whole_path=whole_path, host=host)[0] == 404
    assert preview.poll() == ""


def test_unknown_keys_and_paths(preview, ask):
    assert ask("POST", "key/format-disk")[0] == 404
    assert ask("GET", "../../etc/passwd")[0] == 404
    assert preview.poll() == ""


def test_listens_on_this_machine_alone(preview):
    assert urlsplit(preview.address).hostname == "127.0.0.1"
    assert preview._server.server_address[0] == "127.0.0.1"


def test_a_port_that_is_taken():
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as taken,
        pytest.raises(VideoError, match="can't listen on port"),
    ):
        Preview(taken.getsockname()[1])


def test_closing_ends_streams_and_the_server(preview):
    at = urlsplit(preview.address)
    preview.show(RED, "")
    with closing(http.client.HTTPConnection(at.hostname, at.port, timeout=10)) as connection:
        connection.request("GET", at.path + "stream")
        stream = connection.getresponse()
        stream.readline()
        preview.close()
        stream.read()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((at.hostname, at.port), timeout=5)


def test_many_connections_take_no_thread_each(preview, ask):
    at = urlsplit(preview.address)
    before = threading.active_count()
    with contextlib.ExitStack() as opened:
        idle = [opened.enter_context(socket.create_connection((at.hostname, at.port), 5)) for _ in range(100)]
        closed = [one for one in idle[32:] if one.recv(1) == b""]
        assert len(closed) == 68
        assert threading.active_count() - before <= 32
    until = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.01)
    assert ask("GET", "line")[0] == 200
