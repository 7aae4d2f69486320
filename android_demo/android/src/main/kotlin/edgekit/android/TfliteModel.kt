package edgekit.android

import edgekit.runtime.ContractException
import edgekit.runtime.EdgekitException
import edgekit.runtime.Limits
import edgekit.runtime.Model
import edgekit.runtime.ModelException
import edgekit.runtime.resultOf
import java.io.Closeable
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.concurrent.Callable
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors
import org.tensorflow.lite.Delegate
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.TensorFlowLite

/**
 * One TFLite interpreter. This file and the detector's alone know TFLite, and of it `org.tensorflow.lite.Interpreter` with
 * the types that its options take and its version: they are in TensorFlow Lite and in its successor LiteRT 1.x alike.
 *
 * Used by one thread at a time. With the GPU delegate an own thread opens, runs and closes it, as the delegate demands.
 */
public class TfliteModel private constructor(
    private val interpreter: Interpreter,
    private val delegate: Closeable?,
    private val thread: ExecutorService?,
) : Model {
    override val sidePx: Int
    override val classes: Int
    override val heads: Int
    override val engine: String

    // Kept, so that no crop costs memory: what a garbage collector must do is a pause in the preview.
    private val input: ByteBuffer
    private val outputs: Map<Int, ByteBuffer>
    private var isClosed = false

    init {
        if (interpreter.inputTensorCount != 1 || interpreter.outputTensorCount !in 1..2) {
            throw ContractException(
                "a model must have one input and one output, or two with heads, " +
                    "got ${interpreter.inputTensorCount} and ${interpreter.outputTensorCount}",
            )
        }
        val taken = interpreter.getInputTensor(0)
        val (shape, type) = taken.shape() to taken.dataType().name
        if (shape.size != 4 || shape[0] != 1 || shape[1] != shape[2] || shape[3] != 3 || type != "UINT8") {
            throw ContractException("a model's input must be uint8 [1, S, S, 3], got $type ${shape.contentToString()}")
        }
        val given = interpreter.getOutputTensor(0)
        val (scores, kind) = given.shape() to given.dataType().name
        if (scores.size != 2 || scores[0] != 1 || kind != "FLOAT32") {
            throw ContractException("a model's output must be float32 [1, classes], got $kind ${scores.contentToString()}")
        }
        sidePx = shape[1]
        classes = scores[1]
        heads = if (interpreter.outputTensorCount == 1) 1 else 1 + otherHeads()
        engine = "tflite ${TensorFlowLite.runtimeVersion()}" + if (delegate == null) "" else ", GPU delegate asked for, operators it took not told"
        input = ByteBuffer.allocateDirect(sidePx * sidePx * 3).order(ByteOrder.nativeOrder())
        outputs = listOf(1, heads - 1).filter { it > 0 }.withIndex().associate { (number, rows) ->
            number to ByteBuffer.allocateDirect(rows * classes * Float.SIZE_BYTES).order(ByteOrder.nativeOrder())
        }
    }

    /** How many heads the second output has. */
    private fun otherHeads(): Int {
        val given = interpreter.getOutputTensor(1)
        val (rows, kind) = given.shape() to given.dataType().name
        if (rows.size != 3 || rows[0] != 1 || rows[1] < 1 || rows[2] != classes || kind != "FLOAT32") {
            throw ContractException(
                "a model's second output must be float32 [1, heads, $classes], got $kind ${rows.contentToString()}",
            )
        }
        return rows[1]
    }

    /** @throws IllegalArgumentException a crop of another size, or a head that is not there */
    override fun score(rgb: ByteArray, index: Int, head: Int): FloatArray {
        require(rgb.size == input.capacity()) { "a crop must have ${input.capacity()} bytes, got ${rgb.size}" }
        require(head in 0 until heads) { "a head must be 0 to ${heads - 1}, got $head" }
        return on(thread) {
            if (isClosed) throw ModelException("this model is closed; load it again")
            input.clear()
            input.put(rgb).rewind()
            outputs.values.forEach { it.clear() }
            try {
                interpreter.runForMultipleInputsOutputs(arrayOf(input), outputs)
            } catch (failure: RuntimeException) {
                throw ModelException("$engine failed on a crop: ${failure.message}", failure)
            }
            val rows = outputs.getValue(if (head == 0) 0 else 1)
            rows.rewind()
            val scores = rows.asFloatBuffer()
            if (head > 0) scores.position((head - 1) * classes)
            FloatArray(classes).also { scores.get(it) }
        }
    }

    override fun close() {
        on(thread) {
            if (!isClosed) {
                isClosed = true
                interpreter.close()
                delegate?.close()
            }
        }
        thread?.shutdown()
    }

    public companion object {
        /**
         * Loads a model that was checked.
         *
         * @param flatbuffer direct, in native order, as `Bundle.flatbuffer` is; weights are read from it as long as the
         *   model lives
         * @param threads that one inference may use, 1 to 256
         * @throws ModelException TFLite is absent or refuses the model, or the accelerator can't be had
         * @throws ContractException the model's input or output is not as edgekit makes them
         */
        @JvmStatic
        @JvmOverloads
        @Throws(EdgekitException::class)
        public fun open(flatbuffer: ByteBuffer, threads: Int = 1, accelerator: Accelerator = Accelerator.CPU): TfliteModel {
            checkThreads(threads)
            val thread = if (accelerator == Accelerator.GPU) Executors.newSingleThreadExecutor(::gpuThread) else null
            try {
                return on(thread) { openHere(flatbuffer, threads, thread) }
            } catch (failure: EdgekitException) {
                thread?.shutdown()
                throw failure
            }
        }

        private fun openHere(flatbuffer: ByteBuffer, threads: Int, thread: ExecutorService?): TfliteModel {
            val delegate = if (thread == null) null else GpuDelegates.open()
            return opened(flatbuffer, threads, delegate) { TfliteModel(it, delegate, thread) }
        }

        private fun gpuThread(work: Runnable): Thread = Thread(work, "edgekit-gpu").apply { isDaemon = true }

        /** Does work on a thread of its own where there is one, and waits for it. */
        private fun <T> on(thread: ExecutorService?, work: () -> T): T {
            if (thread == null || thread.isShutdown) return work()
            return resultOf(thread.submit(Callable(work)))
        }
    }
}

internal fun checkThreads(threads: Int) {
    if (threads !in 1..Limits.MAX_THREADS) {
        throw ModelException("threads must be 1 to ${Limits.MAX_THREADS}, got $threads")
    }
}

/**
 * What is made of an interpreter; where that fails it is closed, and the delegate with it.
 *
 * @throws ModelException TFLite is absent or refuses the model
 */
internal fun <T> opened(flatbuffer: ByteBuffer, threads: Int, delegate: Closeable?, make: (Interpreter) -> T): T {
    var interpreter: Interpreter? = null
    var isWhole = false
    try {
        val options = Interpreter.Options().setNumThreads(threads)
        if (delegate != null) options.addDelegate(delegate as Delegate)
        val opened = Interpreter(flatbuffer, options)
        interpreter = opened
        return make(opened).also { isWhole = true }
    } catch (mistake: ContractException) {
        throw mistake
    } catch (failure: RuntimeException) {
        val with = if (delegate == null) "" else " with the GPU delegate"
        throw ModelException("TFLite can't load the model$with: ${failure.message}", failure)
    } catch (absent: LinkageError) {
        throw ModelException(
            "TFLite's native library must be a part of the app for this phone's processor, it is not: " +
                "${absent.message}; build the app for its ABI",
            absent,
        )
    } finally {
        if (!isWhole) {
            interpreter?.close()
            delegate?.close()
        }
    }
}
