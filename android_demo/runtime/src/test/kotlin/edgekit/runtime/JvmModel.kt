package edgekit.runtime

import org.bytedeco.javacpp.BytePointer
import org.bytedeco.tensorflowlite.TfLiteInterpreter
import org.bytedeco.tensorflowlite.TfLiteModel
import org.bytedeco.tensorflowlite.TfLiteTensor
import org.bytedeco.tensorflowlite.global.tensorflowlite as tflite
import org.junit.jupiter.api.Assumptions.assumeTrue
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** TFLite's C API on a desktop's JVM, by JavaCPP. For tests and records; phones have TFLite's own Java API. */
class JvmModel(flatbuffer: ByteBuffer, threads: Int = 1) : Model {
    // The interpreter reads weights from this as long as it lives.
    private val weights = BytePointer(flatbuffer.limit().toLong()).apply {
        asBuffer().put((flatbuffer.duplicate().clear() as ByteBuffer))
    }
    private val model: TfLiteModel
    private val interpreter: TfLiteInterpreter

    init {
        model = tflite.TfLiteModelCreate(weights, weights.capacity()) ?: throw ModelException("TFLite refuses the model")
        val options = tflite.TfLiteInterpreterOptionsCreate()
        tflite.TfLiteInterpreterOptionsSetNumThreads(options, threads)
        val made = tflite.TfLiteInterpreterCreate(model, options)
        tflite.TfLiteInterpreterOptionsDelete(options)
        interpreter = made ?: throw ModelException("TFLite refuses the model")
        hold(tflite.TfLiteInterpreterAllocateTensors(interpreter), "allocate its tensors")
    }

    private val input: TfLiteTensor = tflite.TfLiteInterpreterGetInputTensor(interpreter, 0)
    private val outputs: List<TfLiteTensor> =
        List(tflite.TfLiteInterpreterGetOutputTensorCount(interpreter)) { tflite.TfLiteInterpreterGetOutputTensor(interpreter, it) }

    override val sidePx: Int = tflite.TfLiteTensorDim(input, 1)
    override val classes: Int = tflite.TfLiteTensorDim(outputs[0], 1)
    override val heads: Int = 1 + outputs.drop(1).sumOf { tflite.TfLiteTensorDim(it, 1) }
    override val engine: String = "tflite-jvm ${tflite.TfLiteVersion().string}"

    private val crop = BytePointer(sidePx.toLong() * sidePx * 3)
    private val scores = outputs.map { BytePointer(tflite.TfLiteTensorByteSize(it)) }

    init {
        val isOurs = tflite.TfLiteTensorByteSize(input) == crop.capacity() && scores.sumOf { it.capacity() } == heads * classes * 4L
        if (!isOurs) throw ModelException("a model must have uint8 [1, S, S, 3] in and float32 [1, n] out")
    }

    override fun score(rgb: ByteArray, index: Int, head: Int): FloatArray {
        crop.position(0).put(rgb, 0, rgb.size)
        hold(tflite.TfLiteTensorCopyFromBuffer(input, crop, crop.capacity()), "take a crop")
        hold(tflite.TfLiteInterpreterInvoke(interpreter), "run")
        val number = if (head == 0) 0 else 1
        hold(tflite.TfLiteTensorCopyToBuffer(outputs[number], scores[number], scores[number].capacity()), "give scores")
        val rows = scores[number].asByteBuffer().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
        if (head > 0) rows.position((head - 1) * classes)
        return FloatArray(classes).also { rows.get(it) }
    }

    private fun hold(status: Int, what: String) {
        if (status != 0) throw ModelException("TFLite can't $what: status $status")
    }

    override fun close() {
        tflite.TfLiteInterpreterDelete(interpreter)
        tflite.TfLiteModelDelete(model)
    }

    companion object {
        /** Skips a test where the interpreter's library is of another machine. */
        fun assumeHere() {
            val machine = "${System.getProperty("os.name")} ${System.getProperty("os.arch")}"
            assumeTrue(machine == "Linux amd64", "the TFLite of this build is of Linux on x86_64, this is $machine")
        }
    }
}
