"""The only file that knows TFLite interpreters: LiteRT (default) and the frozen tflite-runtime."""

from __future__ import annotations

import ctypes
import importlib
import sys
import threading
from importlib import metadata
from typing import Any, Literal

import numpy as np

from edgekit.arrays import Float32Array, RGBArray
from edgekit.contract import MAX_THREADS, Contract
from edgekit.errors import ContractError, InterpreterError, first_line, is_other_numpy, likeliest, other_numpy
from edgekit.runtime.imports import without_pages

# Name on the command line → (module, distribution), in the order of preference.
BACKENDS = {
    "litert": ("ai_edge_litert.interpreter", "ai-edge-litert"),
    "tflite-runtime": ("tflite_runtime.interpreter", "tflite-runtime"),
}

ScoreKind = Literal["one-of", "any-of", "numbers"]

# Besides these, ``ext:`` and the path of a delegate's library. ``default`` is what the interpreter does by itself.
DELEGATES = ("default", "xnnpack", "none")
EXTERNAL = "ext:"
# What a library of TFLite's external delegates must export.
_ENTRY = "tflite_plugin_create_delegate"
# How far the sum of a crop's probabilities may be from one: float32 rounds in the sixth place, and delegates in half
# precision in the fourth.
SUM_TOLERANCE = 1e-3


def check_delegate(asked: str) -> None:
    """Hold the names of delegates.

    Raises:
        InterpreterError: none of DELEGATES, nor ``ext:`` and a path.
    """
    if asked not in DELEGATES and not (asked.startswith(EXTERNAL) and asked != EXTERNAL):
        raise InterpreterError(
            f"a delegate must be one of {list(DELEGATES)} or ext:/path/of/its/library, got {asked!r}"
            f"{likeliest(asked, DELEGATES)}"
        )


def check_interpreter(asked: str) -> None:
    """Hold the names of interpreters.

    Raises:
        InterpreterError: none of BACKENDS.
    """
    if asked not in BACKENDS:
        near = likeliest(asked, BACKENDS)
        raise InterpreterError(f"an interpreter must be one of {list(BACKENDS)}, got {asked!r}{near}")


def is_granted(asked: str, used: str) -> bool:
    """Whether a delegate that was asked for is the one that runs a model; ``default`` may be any."""
    return used == {"default": used, "xnnpack": "XNNPACK"}.get(asked, asked)


def installed_backends() -> tuple[str, ...]:
    """Names of the interpreters that are installed here, the preferred one first."""
    return tuple(name for name, (_, package) in BACKENDS.items() if _version(package) is not None)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _choose(backend: str | None) -> str:
    found = installed_backends()
    if backend is None:
        if not found:
            raise InterpreterError(
                "no TFLite interpreter is installed: pip install ai-edge-litert (or tflite-runtime on 32-bit ARM)"
            )
        return found[0]
    check_interpreter(backend)
    if backend not in found:
        raise InterpreterError(f"{backend} is not installed (found {list(found)}): pip install {BACKENDS[backend][1]}")
    return backend


def interpreter_name(backend: str | None = None) -> str:
    """Interpreter and version, for records ("litert 2.3.0"), without loading it; None takes the first installed one.

    Raises:
        InterpreterError: no such interpreter is installed.
    """
    return _with_version(_choose(backend))


def _with_version(backend: str) -> str:
    return f"{backend} {_version(BACKENDS[backend][1])}"


def open_interpreter(
    flatbuffer: bytes, *, plain: bool = False, keep_tensors: bool = False, backend: str | None = None
) -> Any:
    """The preferred interpreter's own object for a model of whatever inputs and outputs, not yet allocated.

    Args:
        flatbuffer: The model; the object reads weights from it as long as it lives.
        plain: Without delegates, so that every tensor inside can be asked for its shape.
        keep_tensors: Every tensor inside keeps what an inference wrote to it; only those of plain kernels can.
        backend: A key of BACKENDS; None takes the first installed one.

    Raises:
        InterpreterError: none is installed, or it refuses the model.
    """
    chosen = _choose(backend)
    try:
        library = importlib.import_module(BACKENDS[chosen][0])
        # Too old for the choice is too old for the models of today.
        resolver = library.OpResolverType
        kind = resolver.BUILTIN_WITHOUT_DEFAULT_DELEGATES if plain else resolver.AUTO
        return library.Interpreter(
            model_content=flatbuffer,
            experimental_op_resolver_type=kind,
            experimental_preserve_all_tensors=keep_tensors,
        )
    except (ImportError, RuntimeError, ValueError) as failure:
        raise InterpreterError(f"{_with_version(chosen)} can't load the model: {failure}") from failure


def score_kind(contract: Contract) -> ScoreKind:
    """What the outputs of a contract's model are."""
    return "one-of" if contract.multi_label is None else "any-of"


def check_scores(scores: Float32Array, kind: ScoreKind) -> None:
    """Hold that a crop's scores are what they should be.

    Args:
        scores: float32 (outputs,).
        kind: What they should be.

    Raises:
        ContractError: one that should be a probability is not within 0 to 1 (NaN is not), or the sum of such of which
            one is right is farther than SUM_TOLERANCE from 1.
    """
    if kind == "numbers":
        return
    within = scores.min() >= 0 and scores.max() <= 1
    if not within or (kind == "one-of" and not abs(float(scores.sum()) - 1) <= SUM_TOLERANCE):
        rule, lacks = ("that sum to 1", "softmax") if kind == "one-of" else ("within 0 to 1", "sigmoids")
        raise ContractError(
            f"a model's outputs must be probabilities {rule}, got {scores[:10].tolist()} with the sum "
            f"{float(scores.sum()):g}; does it lack its {lacks}?"
        )


def _unusable(name: str, module: str, failure: BaseException) -> InterpreterError:
    """Why an installed interpreter can't be used, and what to install."""
    if is_other_numpy(failure):
        others = "" if module == BACKENDS["litert"][0] else ", or pip install ai-edge-litert in its place"
        return InterpreterError(f"{name} can't be used: {other_numpy(failure)}{others}")
    package = next(package for home, package in BACKENDS.values() if home == module)
    return InterpreterError(
        f"{name} is installed, but can't be used: {first_line(failure)}; install it anew: "
        f"{sys.executable} -m pip install --force-reinstall {package}"
    )


class PlainInterpreter:
    """One loaded model with one input and any outputs, such as a detector. Calls from several threads take turns.

    Args:
        flatbuffer: A checked TFLite model.
        backend: A key of BACKENDS; None takes the first installed one.

    Attributes:
        name: As ``interpreter_name`` gives it.

    Raises:
        InterpreterError: no such interpreter, or it refuses the model.
    """

    def __init__(self, flatbuffer: bytes, *, backend: str | None = None) -> None:
        self.name = interpreter_name(backend)
        # The interpreter reads weights from this buffer as long as it lives.
        self._flatbuffer = flatbuffer
        self._lock = threading.Lock()
        with without_pages():
            self._interpreter = open_interpreter(flatbuffer, backend=backend)
        try:
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as failure:
            raise InterpreterError(f"{self.name} can't load the model: {failure}") from failure
        self._input = int(self._interpreter.get_input_details()[0]["index"])
        self._outputs = [int(one["index"]) for one in self._interpreter.get_output_details()]

    def __call__(self, tensor: Float32Array) -> list[Float32Array]:
        """Run the model on an input of its shape; returns its outputs in their order.

        Raises:
            InterpreterError: the interpreter failed.
        """
        with self._lock:
            try:
                self._interpreter.set_tensor(self._input, tensor)
                self._interpreter.invoke()
                return [self._interpreter.get_tensor(index) for index in self._outputs]
            except (RuntimeError, ValueError) as failure:
                raise InterpreterError(
                    f"{self.name} failed on an input of {tensor.dtype} {tensor.shape}: {failure}"
                ) from failure


class ModelInterpreter:
    """One loaded model: uint8 RGB in, float32 numbers of one of its heads out. Calls from several threads take turns.

    Args:
        flatbuffer: A checked TFLite model.
        threads: Threads that one inference may use.
        backend: A key of BACKENDS; None takes the first installed one.
        delegate: ``default``, ``xnnpack``, ``none`` (plain kernels), or ``ext:`` and the path of a delegate's library.
        scores: What the outputs are: probabilities that sum to one (``one-of``), probabilities that need not
            (``any-of``), or any numbers (``numbers``), such as features.

    Attributes:
        name: As ``interpreter_name`` gives it.
        side_px: Side of the square input.
        classes: Number of scores of a head.
        heads: Number of heads: the first is the model's first output, all others are rows of its second.

    Raises:
        InterpreterError: no such interpreter, it refuses the model or so many threads, or it does not run the model
            with the delegate that was asked for.
        ContractError: the model's input or outputs are not as edgekit makes them.
    """

    def __init__(
        self,
        flatbuffer: bytes,
        *,
        threads: int = 1,
        backend: str | None = None,
        delegate: str = "default",
        scores: ScoreKind = "one-of",
    ) -> None:
        if not 1 <= threads <= MAX_THREADS:
            raise InterpreterError(f"threads must be 1 to {MAX_THREADS}, got {threads}")
        check_delegate(delegate)
        chosen = _choose(backend)
        module, _ = BACKENDS[chosen]
        self.name = _with_version(chosen)
        self.threads = threads
        self._kind = scores
        # The interpreter reads weights from this buffer as long as it lives.
        self._flatbuffer = flatbuffer
        self._lock = threading.Lock()
        self._external = delegate.removeprefix(EXTERNAL) if delegate.startswith(EXTERNAL) else ""
        try:
            # tflite-runtime imports well beside a numpy that it was not built for, and fails here.
            with without_pages():
                library = importlib.import_module(module)
                self._interpreter: Any = library.Interpreter(
                    model_content=flatbuffer, num_threads=threads, **self._options(library, delegate)
                )
                self._interpreter.allocate_tensors()
            # A ValueError, too, where a tensor's name is no Unicode.
            inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        except (ImportError, AttributeError, OSError, SystemError) as failure:
            raise _unusable(self.name, module, failure) from failure
        except (RuntimeError, ValueError) as failure:
            if is_other_numpy(failure):
                raise _unusable(self.name, module, failure) from failure
            raise InterpreterError(f"{self.name} can't load the model: {failure}") from failure
        self._check(inputs, outputs)
        self._input = int(inputs[0]["index"])
        self._first, *self._others = (int(one["index"]) for one in outputs)
        self.side_px = int(inputs[0]["shape"][1])
        self.classes = int(outputs[0]["shape"][1])
        self.heads = 1 + sum(int(one["shape"][1]) for one in outputs[1:])
        used = self.delegate
        if not is_granted(delegate, used):
            raise InterpreterError(
                f"the delegate {delegate} was asked for, but {self.name} runs this model with: {used}; leave it out, "
                "or use a model whose operators it takes"
            )

    def _options(self, library: Any, delegate: str) -> dict[str, Any]:
        """What the interpreter's constructor takes for a delegate."""
        if delegate in ("default", "xnnpack"):
            return {}
        try:
            # An external delegate gets plain kernels beside it: else XNNPACK would quietly take what it leaves, or all.
            plain = {"experimental_op_resolver_type": library.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES}
            if not self._external:
                return plain
            # Looked at first: the interpreter's own loader stumbles over a library without this.
            if not hasattr(ctypes.CDLL(self._external), _ENTRY):
                raise InterpreterError(f"{self._external} is no TFLite delegate: it has no {_ENTRY}")
            return {**plain, "experimental_delegates": [library.load_delegate(self._external)]}
        except (OSError, ValueError, RuntimeError) as failure:
            raise InterpreterError(f"{self.name} can't load the delegate {self._external}: {failure}") from failure
        except AttributeError as absent:
            raise InterpreterError(
                f"{self.name} can't choose a delegate: {absent}; use an interpreter of 2022 or later"
            ) from absent

    @staticmethod
    def _check(inputs: list[dict[str, Any]], outputs: list[dict[str, Any]]) -> None:
        if len(inputs) != 1 or not 1 <= len(outputs) <= 2:
            raise ContractError(
                f"a model must have one input and one output, or two with heads, got {len(inputs)} and {len(outputs)}"
            )
        shape, dtype = tuple(int(n) for n in inputs[0]["shape"]), np.dtype(inputs[0]["dtype"])
        if len(shape) != 4 or shape[0] != 1 or shape[1] != shape[2] or shape[3] != 3 or dtype != np.uint8:
            raise ContractError(f"a model's input must be uint8 [1, S, S, 3], got {dtype} {list(shape)}")
        shape, dtype = tuple(int(n) for n in outputs[0]["shape"]), np.dtype(outputs[0]["dtype"])
        if len(shape) != 2 or shape[0] != 1 or dtype != np.float32:
            raise ContractError(f"a model's output must be float32 [1, classes], got {dtype} {list(shape)}")
        classes = shape[1]
        for other in outputs[1:]:
            shape, dtype = tuple(int(n) for n in other["shape"]), np.dtype(other["dtype"])
            if len(shape) != 3 or shape[::2] != (1, classes) or shape[1] < 1 or dtype != np.float32:
                raise ContractError(
                    f"a model's second output must be float32 [1, heads, {classes}], got {dtype} {list(shape)}"
                )

    @property
    def delegate(self) -> str:
        """What runs the operators: ``XNNPACK``, ``ext:`` and a library, ``none`` (plain kernels) or ``not told``."""
        # A delegate takes its place among the operators that it replaced. Interpreters have no public way to ask.
        operators: list[dict[str, Any]] = getattr(self._interpreter, "_get_ops_details", list)()
        if not operators:
            return "not told"
        if not any(one["op_name"] == "DELEGATE" for one in operators):
            return "none"
        return f"{EXTERNAL}{self._external}" if self._external else "XNNPACK"

    def __call__(self, crop: RGBArray, head: int = 0) -> Float32Array:
        """Score one crop.

        Args:
            crop: uint8 (side_px, side_px, 3) RGB.
            head: Which head scores it, as ``Contract.heads_for`` numbers them.

        Returns:
            float32 (outputs,), probabilities.

        Raises:
            ContractError: they are none, as ``check_scores`` holds.
            InterpreterError: the interpreter failed.
        """
        with self._lock:
            try:
                self._interpreter.set_tensor(self._input, crop[np.newaxis])
                self._interpreter.invoke()
                scores: Float32Array = (
                    self._interpreter.get_tensor(self._others[0])[0, head - 1]
                    if head
                    else self._interpreter.get_tensor(self._first)[0]
                )
            except (RuntimeError, ValueError) as failure:
                raise InterpreterError(
                    f"{self.name} failed on a {crop.dtype} {crop.shape} crop: {failure}"
                ) from failure
        check_scores(scores, self._kind)
        return scores
