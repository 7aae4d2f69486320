package edgekit.android

import edgekit.runtime.ContractException
import edgekit.runtime.Detected
import edgekit.runtime.DetectorModel
import edgekit.runtime.EdgekitException
import edgekit.runtime.ModelException
import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.Tensor
import org.tensorflow.lite.TensorFlowLite

/** A detector by TFLite, on the processor. Used by one thread at a time. */
public class TfliteDetector private constructor(private val interpreter: Interpreter) : DetectorModel {
    override val engine: String = "tflite ${TensorFlowLite.runtimeVersion()}"

    // Kept, so that no photo costs memory.
    private val input: ByteBuffer
    private val outputs: Map<Int, ByteBuffer>
    private val told: Detected

    // Which output is which, converters choose: logits are those with one number a row.
    private val logits: Int
    private var isClosed = false

    init {
        val tensors = List(interpreter.outputTensorCount) { interpreter.getOutputTensor(it) }
        val all = tensors + List(interpreter.inputTensorCount) { interpreter.getInputTensor(it) }
        logits = tensors.indexOfFirst { it.shape().lastOrNull() == 1 }
        if (tensors.size != 2 || all.size != 3 || logits < 0 || all.any { it.dataType().name != "FLOAT32" }) {
            throw ContractException(
                "a detector must have one float32 input and two float32 outputs, one with a number a row, got " +
                    all.joinToString { "${it.dataType()} ${it.shape().contentToString()}" },
            )
        }
        input = bufferOf(interpreter.getInputTensor(0))
        outputs = tensors.withIndex().associate { (number, one) -> number to bufferOf(one) }
        told = Detected(numbersOf(tensors[1 - logits]), numbersOf(tensors[logits]))
    }

    private fun numbersOf(tensor: Tensor) = FloatArray(tensor.numElements())

    private fun bufferOf(tensor: Tensor) = ByteBuffer.allocateDirect(tensor.numBytes()).order(ByteOrder.nativeOrder())

    /** @throws IllegalArgumentException a picture of another size */
    override fun detect(rgb: FloatArray): Detected {
        require(rgb.size * Float.SIZE_BYTES == input.capacity()) { "a picture must have ${input.capacity() / Float.SIZE_BYTES} numbers, got ${rgb.size}" }
        if (isClosed) throw ModelException("this detector is closed; load the model again")
        input.clear()
        input.asFloatBuffer().put(rgb)
        outputs.values.forEach { it.clear() }
        try {
            interpreter.runForMultipleInputsOutputs(arrayOf(input), outputs)
        } catch (failure: RuntimeException) {
            throw ModelException("$engine failed on a photo: ${failure.message}", failure)
        }
        read(1 - logits, told.rows)
        read(logits, told.logits)
        return told
    }

    private fun read(output: Int, into: FloatArray) {
        outputs.getValue(output).apply { rewind() }.asFloatBuffer().get(into)
    }

    override fun close() {
        if (!isClosed) {
            isClosed = true
            interpreter.close()
        }
    }

    public companion object {
        /**
         * Loads a detector that was checked.
         *
         * @param flatbuffer direct, in native order, as `Bundle.detector` is; weights are read from it as long as the
         *   detector lives
         * @param threads that one call may use, 1 to 256
         * @throws ModelException TFLite is absent or refuses it
         * @throws ContractException its input or outputs are not a detector's
         */
        @JvmStatic
        @JvmOverloads
        @Throws(EdgekitException::class)
        public fun open(flatbuffer: ByteBuffer, threads: Int = 1): TfliteDetector {
            checkThreads(threads)
            return opened(flatbuffer, threads, null) { TfliteDetector(it) }
        }
    }
}
