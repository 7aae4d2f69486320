import http.client
import socket
import threading

import pytest

from edgekit.errors import EdgekitError
from edgekit.web.serve import PageServer


@pytest.fixture
def served(page, tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    (page / ".hidden").write_text("secret")
    (page / "link.txt").symlink_to(tmp_path / "secret.txt")
    server = PageServer(page)
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield int(server.address.rsplit(":", 1)[1].strip("/"))
    server.stop()
    thread.join()
    server.close()


def ask(port, path, method="GET", host=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host or f"localhost:{port}")
    connection.endheaders()
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/index.html?from=home", "text/html; charset=utf-8"),
        ("/sw.js", "text/javascript; charset=utf-8"),
        ("/wasm/engine.wasm", "application/wasm"),
        ("/page.json", "application/json"),
        ("/bench/one.jpg", "image/jpeg"),
    ],
)
def test_files_have_their_types_and_the_headers_for_threads(served, page, path, kind):
    answer, content = ask(served, path)
    name = path.split("?")[0].strip("/") or "index.html"
    assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
    assert content == (page / name).read_bytes()
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/wasm/..%2f..%2fsecret.txt",
        "/..\\secret.txt",
        "//etc/passwd",
        "/.hidden",
        "/link.txt",
        "/wasm",
        "/absent",
        "/%00",
        "/C:/x",
        "http://[/secret.txt",
    ],
)
def test_no_path_leaves_the_folder(served, path):
    answer, content = ask(served, path)
    assert answer.status == 404
    assert b"secret" not in content


def test_another_hosts_name_leads_nowhere(served):
    assert ask(served, "/", host="attacker.example")[0].status == 404
    assert ask(served, "/", host="127.0.0.1")[0].status == 200
    assert ask(served, "/", host="LocalHost:8765")[0].status == 200


def test_a_head_has_no_body(served):
    answer, content = ask(served, "/wasm/engine.wasm", method="HEAD")
    assert (answer.status, answer.headers["Content-Length"], content) == (200, "4", b"")


def test_it_listens_on_one_address_of_this_machine(served):
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", served), timeout=5)


def test_a_taken_port_is_named(served, page):
    with pytest.raises(EdgekitError, match=f"can't listen on port {served}: .*; name another with --port"):
        PageServer(page, served)


def test_a_folder_without_a_page_is_not_served(tmp_path):
    with pytest.raises(EdgekitError, match=r"it has no index\.html"):
        PageServer(tmp_path)
