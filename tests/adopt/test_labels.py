from __future__ import annotations

import pytest

from edgekit.adopt.labels import fit_labels, parse_labels, read_labels
from edgekit.errors import ContractError

THREE = ("cat", "dog", "big owl")


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        pytest.param("cat\ndog\nbig owl\n", THREE, id="lines"),
        pytest.param("cat\r\ndog\r\nbig owl", THREE, id="windows"),
        pytest.param("0 cat\n1 dog\n2 big owl\n", THREE, id="teachable-machine"),
        pytest.param("1: dog\n0: cat\n2: big owl\n", THREE, id="numbered-out-of-order"),
        pytest.param("0  cat\n1\tdog\n2, big owl\n\n\n", THREE, id="coral"),
        pytest.param("10 euro\n20 euro\n50 euro\n", ("10 euro", "20 euro", "50 euro"), id="numbers-that-are-labels"),
        pytest.param("1 cat\n2 dog\n3 owl\n", ("1 cat", "2 dog", "3 owl"), id="numbered-from-one"),
        pytest.param("cat\u00a0s\n dog \nbig  owl", ("cat s", "dog", "big owl"), id="spaces"),
        pytest.param("0\n1\n2\n", ("0", "1", "2"), id="digits"),
        pytest.param("???\nbackground\ncat", ("???", "background", "cat"), id="background"),
    ],
)
def test_labels_are_read_as_people_write_them(tmp_path, text, labels):
    file = tmp_path / "labels.txt"
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_labels(file) == labels


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("cat\n\ndog\n", "line 2 must hold a label", id="empty-line"),
        pytest.param("cat\nd\x1b[31mog\n", r"line 2 must hold a label, one a line, got 'd\\x1b", id="escape"),
    ],
)
def test_what_is_no_label_is_refused(text, message):
    with pytest.raises(ContractError, match=message):
        parse_labels(text, where="labels.txt")


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "labels.txt").write_bytes(b"\xff\xfe\x00cat")
    with pytest.raises(ContractError, match="labels must be UTF-8"):
        read_labels(tmp_path / "labels.txt")


@pytest.mark.parametrize(
    ("labels", "outputs", "message"),
    [
        pytest.param(THREE, 4, "4 outputs, got 3 labels; .*line 'background' before", id="one-too-few"),
        pytest.param(("background", *THREE), 3, "no class 'background': remove the first line", id="one-too-many"),
        pytest.param(THREE, 7, "7 outputs, got 3 labels; name the file", id="others"),
        pytest.param(THREE, 1, "one output needs two labels", id="one-output"),
    ],
)
def test_labels_must_be_as_many_as_outputs(labels, outputs, message):
    with pytest.raises(ContractError, match=message):
        fit_labels(labels, outputs, where="labels.txt")


def test_labels_that_a_contract_refuses_get_their_number():
    labels, notes = fit_labels(("background", "crane", "unknown", "crane"), 4, where="labels.txt")
    assert labels == ("background", "crane (1)", "unknown (2)", "crane (3)")
    assert "crane (1), unknown (2), crane (3)" in notes[0]
    assert notes[1] == "the first label, 'background', is a class like the others"
