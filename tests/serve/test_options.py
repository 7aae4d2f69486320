import pytest

from edgekit.errors import EdgekitError
from edgekit.serve.options import ServeConfig

TOKEN = "a-token-of-24-characters"


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"workers": 0}, "workers of a server must be 1 to"),
        ({"queue": -1}, "queue of a server must be 0 to 1000, got -1"),
        ({"port": 70000}, "port of a server must be 0 to 65535, got 70000"),
        ({"max_mb": 0}, "max-mb of a server must be 1 to 2000, got 0"),
        ({"max_mb": 300}, "held-mb of a server must be 300 to"),
        ({"upload_s": float("nan")}, "upload-s of a server must be"),
        ({"token": "short"}, "a token must have 16 to 200 characters of ASCII without blanks, got 5 characters"),
        ({"token": "with a blank in its middle"}, "without blanks"),
        ({"token": "ü" * 20}, "of ASCII"),
        ({"host": "0.0.0.0"}, "a server that others can reach must have a token, got the host 0.0.0.0 and none"),
        ({"host": "::"}, "must have a token"),
        ({"host": "shelf.example"}, "must have a token"),
    ],
)
def test_what_is_beyond_the_limits_is_refused(given, rule):
    with pytest.raises(EdgekitError, match=rule):
        ServeConfig(**given)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_needs_no_token(host):
    assert ServeConfig(host=host).token == ""
    assert ServeConfig(host="0.0.0.0", token=TOKEN).host == "0.0.0.0"
