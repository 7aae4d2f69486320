import pytest
from served import TOKEN
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response

from edgekit.serve.access import Access

HERE = "localhost:8765"


def status(access, path="/v1/classify", method="POST", **headers):
    try:
        access.check(method, path, Headers({name.replace("_", "-"): value for name, value in headers.items()}))
    except HTTPException as refusal:
        return refusal.status_code
    return 200


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"host": HERE}, 200),
        ({"host": "127.0.0.1:8765"}, 200),
        ({"host": "[::1]:8765"}, 200),
        ({"host": "127.0.0.2:8765"}, 200),
        ({"host": "LOCALHOST"}, 200),
        ({"host": "192.0.2.1:8765"}, 421),
        ({"host": "127.0.0.1.attacker.example"}, 421),
        ({"host": "attacker.example"}, 421),
        ({}, 421),
        ({"host": HERE, "origin": f"http://{HERE}"}, 200),
        ({"host": HERE, "origin": "https://attacker.example"}, 403),
        ({"host": HERE, "origin": "http://localhost:9999"}, 403),
        ({"host": HERE, "origin": "null"}, 403),
        ({"host": HERE, "origin": "http://[x"}, 403),
    ],
)
def test_without_a_token_this_machines_own_pages_may_ask(headers, expected):
    assert status(Access(""), **headers) == expected


def test_what_changes_nothing_may_be_linked_to_from_elsewhere():
    assert status(Access(""), "/", "GET", host=HERE, origin="https://elsewhere.example") == 200


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 401),
        ({"authorization": f"Bearer {TOKEN}"}, 200),
        ({"authorization": f"bearer  {TOKEN} "}, 200),
        ({"authorization": f"Bearer {TOKEN}x"}, 401),
        ({"authorization": "Bearer ü"}, 401),
        ({"authorization": f"Basic {TOKEN}"}, 401),
        ({"cookie": f"edgekit={TOKEN}"}, 401),
        ({"cookie": "edgekit="}, 401),
    ],
)
def test_with_a_token_any_name_leads_here_and_nobody_gets_in_without(headers, expected):
    access = Access(TOKEN)
    assert status(access, host="shelf.example", **headers) == expected
    assert status(access, "/v1/model", "GET", host="shelf.example", **headers) == expected
    assert status(access, "/", "GET", host="shelf.example", **headers) == 200


def test_the_cookie_lets_in_and_goes_with_the_token():
    response = Response()
    Access(TOKEN).remember(response, is_https=True)
    cookie = response.headers["set-cookie"]
    assert "Secure" in cookie
    pair = cookie.partition(";")[0]
    assert status(Access(TOKEN), cookie=f"other=1; {pair}") == 200
    assert status(Access(TOKEN + "2"), cookie=pair) == 401
