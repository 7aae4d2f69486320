package edgekit.runtime

import org.bytedeco.javacpp.BytePointer
import org.bytedeco.tensorflowlite.global.tensorflowlite as tflite
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** A detector by TFLite's C API on a desktop's JVM; see [JvmModel]. */
class JvmDetector(flatbuffer: ByteBuffer) : DetectorModel {
    // The interpreter reads weights from this as long as it lives.
    private val weights = BytePointer(flatbuffer.limit().toLong()).apply {
        asBuffer().put((flatbuffer.duplicate().clear() as ByteBuffer))
    }
    private val model = tflite.TfLiteModelCreate(weights, weights.capacity()) ?: throw ModelException("TFLite refuses the detector")
    private val interpreter = tflite.TfLiteInterpreterCreate(model, null) ?: throw ModelException("TFLite refuses the detector")

    init {
        hold(tflite.TfLiteInterpreterAllocateTensors(interpreter), "allocate its tensors")
    }

    override val engine: String = "tflite-jvm ${tflite.TfLiteVersion().string}"

    override fun detect(rgb: FloatArray): Detected {
        val picture = BytePointer(rgb.size * 4L)
        picture.asBuffer().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(rgb)
        hold(tflite.TfLiteTensorCopyFromBuffer(tflite.TfLiteInterpreterGetInputTensor(interpreter, 0), picture, picture.capacity()), "take a picture")
        hold(tflite.TfLiteInterpreterInvoke(interpreter), "run")
        val outputs = List(2) { tflite.TfLiteInterpreterGetOutputTensor(interpreter, it) }
        val (rows, logits) = outputs.sortedByDescending { tflite.TfLiteTensorByteSize(it) }.map { output ->
            val bytes = BytePointer(tflite.TfLiteTensorByteSize(output))
            hold(tflite.TfLiteTensorCopyToBuffer(output, bytes, bytes.capacity()), "give scores")
            val numbers = bytes.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
            FloatArray(numbers.remaining()).also { numbers.get(it) }
        }
        return Detected(rows, logits)
    }

    private fun hold(status: Int, what: String) {
        if (status != 0) throw ModelException("TFLite can't $what: status $status")
    }

    override fun close() {
        tflite.TfLiteInterpreterDelete(interpreter)
        tflite.TfLiteModelDelete(model)
    }
}
