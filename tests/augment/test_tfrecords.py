import pytest
from fixtures.tfrecords import read_records

from edgekit.augment.tfrecords import example, frame, masked_crc

FEATURES = {"image": bytes(range(256)), "label": 3, "empty": b"", "zero": 0, "large": 2**40, "text": "ä".encode()}


def test_the_checksum_of_the_format_s_own_example():
    """CRC-32C of 123456789 is 0xE3069283 (RFC 3720 and others)."""
    crc = 0xE3069283
    assert masked_crc(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32


@pytest.mark.host
def test_tensorflow_reads_what_was_written(tmp_path):
    tf = pytest.importorskip("tensorflow")
    path = tmp_path / "a.tfrecord"
    path.write_bytes(frame(example(FEATURES)) * 3)
    read = list(tf.data.TFRecordDataset([str(path)]).as_numpy_iterator())
    assert len(read) == 3
    found = tf.train.Example.FromString(read[0]).features.feature
    assert set(found) == set(FEATURES)
    for name, value in FEATURES.items():
        stored = found[name].bytes_list.value if isinstance(value, bytes) else found[name].int64_list.value
        assert list(stored) == [value]


@pytest.mark.host
def test_the_bytes_are_those_of_tensorflow(tmp_path):
    tf = pytest.importorskip("tensorflow")
    with tf.io.TFRecordWriter(str(tmp_path / "theirs")) as writer:
        writer.write(b"one")
        writer.write(b"")
    assert (tmp_path / "theirs").read_bytes() == frame(b"one") + frame(b"")


def test_records_follow_each_other(tmp_path):
    (tmp_path / "a").write_bytes(frame(b"one") + frame(b"") + frame(b"two"))
    assert list(read_records(tmp_path / "a")) == [b"one", b"", b"two"]


def test_negative_numbers_are_refused():
    with pytest.raises(ValueError, match="-1"):
        example({"label": -1})
