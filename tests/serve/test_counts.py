import re

from edgekit.serve.counts import RequestCounts


def test_the_text_is_that_of_the_format():
    counts = RequestCounts()
    counts.answered("/v1/classify", 200)
    counts.answered("/v1/classify", 200)
    counts.answered("other", 404)
    counts.judged(["judged", "refused"], 0.03)
    counts.judged(["judged"], 99.0)
    text = counts.text(
        {"edgekit_queue": ("What waits.", {'state="waiting"': 3}), "edgekit_held_bytes": ("Held.", {"": 7})}
    )
    assert text.endswith("\n")
    for line in text.splitlines():
        assert re.fullmatch(
            r"# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+=\"[^\"]*\"(,[a-z]+=\"[^\"]*\")*\})? [0-9.e+]+", line
        )
    lines = text.splitlines()
    assert 'edgekit_requests_total{route="/v1/classify",status="200"} 2' in lines
    assert 'edgekit_photos_total{outcome="judged"} 2' in lines
    assert "edgekit_held_bytes 7" in lines
    assert 'edgekit_queue{state="waiting"} 3' in lines


def test_buckets_hold_all_that_is_no_slower():
    counts = RequestCounts()
    for seconds in (0.01, 0.011, 0.5, 11.0):
        counts.judged([], seconds)
    text = counts.text({})
    found = dict(re.findall(r'edgekit_answer_seconds_bucket\{le="([^"]+)"\} (\d+)', text))
    assert (found["0.01"], found["0.025"], found["0.5"], found["10.0"], found["+Inf"]) == ("1", "2", "3", "3", "4")
    assert "edgekit_answer_seconds_sum 11.521000\n" in text
    # Every kind of number is named once, before its values.
    names = re.findall(r"# TYPE (\S+)", text)
    assert len(names) == len(set(names))
