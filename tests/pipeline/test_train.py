import pytest
pytest.importorskip("edgekit.legacy_keras", reason="needs the host extra")
def test_x(small_run, mobile_run, small_model):
    print(small_run.read("float"))
    print(mobile_run.read("qat"))
