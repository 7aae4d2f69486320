from __future__ import annotations

import numpy as np
import pytest
from fixtures.foreign import Kind, build

from edgekit.errors import ContractError
from edgekit.modelfile.editing import GraphEditor, with_shapes
from edgekit.modelfile.flatbuffer import describe, pack, parse


def test_operators_in_front_run_in_the_order_in_which_they_were_added():
    editor = GraphEditor(build(Kind()))
    photo = editor.tensor("photo", [1, 8, 8, 3], "uint8", (1 / 255, 0))
    real = editor.add("DEQUANTIZE", [photo], editor.tensor("photo_float", [1, 8, 8, 3], "float32"), in_front=True)
    by = editor.constant("by", np.ones(1, np.float32))
    editor.add("ADD", [real, by], editor.input, in_front=True)
    model = parse(editor.finish(new_input=photo, new_output=editor.output))
    graph = model.subgraphs[0]
    assert list(graph.inputs) == [photo]
    assert [int(one.outputs[0]) for one in graph.operators[:2]] == [real, editor.input]
    (signature,) = model.signatureDefs
    assert [one.tensorIndex for one in signature.inputs] == [photo]


def test_what_no_longer_leads_to_the_output_is_left_out():
    editor = GraphEditor(build(Kind(output="quantised-softmax")))
    before = describe(build(Kind(output="quantised-softmax"))).operators
    name, softmax = editor.producer(editor.output)
    assert name == "SOFTMAX"
    after = describe(editor.finish(new_input=editor.input, new_output=int(softmax.inputs[0]))).operators
    assert before == after | {"SOFTMAX": 1}


def test_a_name_that_is_taken_is_not_given_twice():
    editor = GraphEditor(build(Kind()))
    editor.tensor("input_1", [1], "float32")
    editor.tensor("input_1", [1], "float32")
    names = [
        one.name for one in parse(editor.finish(new_input=editor.input, new_output=editor.output)).subgraphs[0].tensors
    ]
    assert len(set(names)) == len(names)


class TestReversedChannels:
    def test_the_first_convolution_reads_them_in_reverse(self):
        editor = GraphEditor(build(Kind(first_conv=True)))
        assert editor.reverse_first_channels(editor.input)
        model = parse(editor.finish(new_input=editor.input, new_output=editor.output))
        kernel = model.buffers[model.subgraphs[0].tensors[model.subgraphs[0].operators[0].inputs[1]].buffer].data
        np.testing.assert_array_equal(np.frombuffer(bytes(kernel), np.float32).reshape(3, 3), np.eye(3)[:, ::-1])

    def test_nothing_is_changed_where_no_convolution_comes_first(self):
        before = build(Kind())
        editor = GraphEditor(before)
        assert not editor.reverse_first_channels(editor.input)
        assert editor.finish(new_input=editor.input, new_output=editor.output) == pack(parse(before))

    def test_weights_that_are_used_twice_stay(self):
        model = parse(build(Kind(first_conv=True)))
        graph = model.subgraphs[0]
        kernel = graph.tensors[graph.operators[0].inputs[1]]
        graph.tensors[-1].buffer = kernel.buffer
        editor = GraphEditor(pack(model))
        assert not editor.reverse_first_channels(editor.input)


def test_shapes_become_static_and_constants_keep_theirs():
    model = parse(with_shapes(build(Kind(signature=(-1, 8, 8, 3))), {0: [1, 9, 9, 3], 1: [7]}))
    tensors = model.subgraphs[0].tensors
    assert [one.shapeSignature for one in tensors] == [None] * len(tensors)
    assert list(tensors[0].shape) == [1, 9, 9, 3]
    constants = [one for one in tensors if model.buffers[one.buffer].data is not None]
    assert [7] not in [list(one.shape) for one in constants]


def test_data_behind_the_flatbuffer_are_brought_inside():
    # Converters put the weights of large models there.
    model = parse(build(Kind()))
    graph = model.subgraphs[0]
    weights = next(one for one in graph.tensors if one.name == b"weights")
    buffer = model.buffers[weights.buffer]
    data, buffer.data = bytes(buffer.data), None
    buffer.offset, buffer.size = 1, len(data)
    length = len(pack(model))
    length += -length % 16
    buffer.offset = length
    content = pack(model).ljust(length, b"\0") + data
    editor = GraphEditor(content)
    inside = parse(editor.finish(new_input=editor.input, new_output=editor.output))
    found = inside.buffers[weights.buffer]
    assert (bytes(found.data), found.offset, found.size) == (data, 0, 0)
    with pytest.raises(ContractError, match="must be whole, got a buffer"):
        GraphEditor(content[:-1])
