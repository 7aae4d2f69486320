package edgekit.android

import edgekit.runtime.Bundle
import edgekit.runtime.Classifier
import edgekit.runtime.EdgekitException
import edgekit.runtime.Model
import edgekit.runtime.ModelException
import edgekit.runtime.toTensor
import java.io.DataInputStream
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.json.JSONObject
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner

/**
 * No test of its own: does the jobs of `tools/ports.py`, inside Robolectric, with Android's decoder and an APK's TFLite.
 *
 * Properties: `edgekit.jobs` and `edgekit.answers` (files), and `edgekit.scorer` (a command that scores crops from its
 * input to its output; empty: TFLite in this JVM).
 */
@RunWith(RobolectricTestRunner::class)
class PortsJobs {
    private val scorer = System.getProperty("edgekit.scorer").orEmpty().split('\u001f').filter { it.isNotEmpty() }
    private val classifiers = HashMap<String, Pair<Bundle, Classifier>>()

    @Test
    fun answer() {
        val jobs = File(System.getProperty("edgekit.jobs")!!).readLines().filter { it.isNotBlank() }.map(::JSONObject)
        val answers = jobs.map(::answerTo)
        val first = classifiers.values.first().second
        val about = JSONObject()
            .put("engine", first.engine)
            .put("platform", if (scorer.isEmpty()) "JVM on x86_64, TFLite's x86_64 library of an APK" else ARM64)
            .put("decoder", "Android 14 (Skia and its libjpeg-turbo, in Robolectric)")
        File(System.getProperty("edgekit.answers")!!).writeText((listOf(about) + answers).joinToString("") { "$it\n" })
        classifiers.values.forEach { it.second.close() }
    }

    private fun answerTo(job: JSONObject): JSONObject {
        check(job.getString("do") == "classify") { "this port only classifies, got ${job.getString("do")}" }
        val (bundle, classifier) = classifiers.getOrPut(job.getString("model")) { open(job.getString("model")) }
        return try {
            val content = File(job.getString("photo")).readBytes()
            val began = System.nanoTime()
            val photo = Photos.read(content, bundle.contract.plan.workingPx)
            val decodeMs = (System.nanoTime() - began) / 1e6
            val verdict = classifier.classify(photo, null, job.getBoolean("stop_early"), decodeMs)
            if (!job.isNull("crops_to")) {
                val crops = verdict.crops.map { toTensor(photo, it.box, bundle.contract.sidePx) }
                File(job.getString("crops_to")).outputStream().use { file -> crops.forEach(file::write) }
            }
            JSONObject().put("verdict", JSONObject(verdict.toJson()))
        } catch (refusal: EdgekitException) {
            JSONObject().put("refused", refusal.message)
        }
    }

    private fun open(path: String): Pair<Bundle, Classifier> {
        val bundle = Bundle.read(File(path).readBytes(), path)
        val contract = bundle.contract
        val model = if (scorer.isEmpty()) {
            TfliteModel.open(bundle.flatbuffer)
        } else {
            PipedModel(scorer, bundle.flatbuffer, contract.sidePx, contract.labels.size, contract.headCount)
        }
        return bundle to Classifier(contract, listOf(model))
    }

    private companion object {
        const val ARM64 = "qemu's cortex-a76, TFLite's arm64-v8a library of an APK"
    }
}

/** A model that another process runs: it gets crops and gives scores. */
private class PipedModel(
    command: List<String>,
    flatbuffer: ByteBuffer,
    override val sidePx: Int,
    override val classes: Int,
    override val heads: Int,
) : Model {
    private val file = File.createTempFile("edgekit", ".tflite").apply { deleteOnExit() }
    private val process: Process
    private val scores: DataInputStream
    override val engine: String

    init {
        file.outputStream().channel.use { it.write(flatbuffer.duplicate()) }
        process = ProcessBuilder(command.map { if (it == "MODEL") file.path else it }).start()
        engine = process.errorStream.bufferedReader().readLine().orEmpty().replace("TFLite", "tflite") + ", XNNPACK"
        scores = DataInputStream(process.inputStream)
    }

    override fun score(rgb: ByteArray, index: Int, head: Int): FloatArray {
        process.outputStream.write(rgb)
        process.outputStream.flush()
        val rows = ByteArray(heads * classes * Float.SIZE_BYTES)
        try {
            scores.readFully(rows)
        } catch (ended: java.io.IOException) {
            throw ModelException("the scoring process ended: $ended", ended)
        }
        val floats = ByteBuffer.wrap(rows).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
        floats.position(head * classes)
        return FloatArray(classes).also { floats.get(it) }
    }

    override fun close() {
        process.outputStream.close()
        process.waitFor()
        file.delete()
    }
}
