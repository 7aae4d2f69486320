package edgekit.android

import edgekit.runtime.Bundle
import edgekit.runtime.Classifier
import edgekit.runtime.Model
import edgekit.runtime.ModelException
import edgekit.runtime.PhotoException
import edgekit.runtime.Verdict
import edgekit.runtime.toTensor
import java.io.DataInputStream
import java.io.EOFException
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.json.JSONObject
import org.junit.Assume.assumeTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/**
 * Answers jobs of `benchmarks/ports.py` (which says what they are) as an app would: file in, verdict out, by Android's
 * decoder. `tools/ports.py` runs it.
 */
@RunWith(RobolectricTestRunner::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(sdk = [34])
class PortsTest {
    @Test
    fun answersJobs() {
        val jobs = System.getProperty("edgekit.jobs")
        assumeTrue("benchmarks/ports.py has no jobs for it", jobs != null)
        val command = System.getProperty("edgekit.score").orEmpty().split("\u001f").filter { it.isNotEmpty() }
        val loaded = HashMap<String, Classifier>()
        File(System.getProperty("edgekit.answers")).bufferedWriter().use { answers ->
            for (job in File(jobs!!).readLines().map(::JSONObject)) {
                val isFirst = loaded.isEmpty()
                val classifier = loaded.getOrPut(job.getString("model")) { load(File(job.getString("model")), command) }
                if (isFirst) answers.appendLine(about(classifier))
                answers.appendLine(answer(classifier, job))
            }
        }
        loaded.values.forEach { it.close() }
    }

    private fun load(file: File, command: List<String>): Classifier {
        val bundle = Bundle.read(file.readBytes(), file.path)
        val model = if (command.isEmpty()) TfliteModel.open(bundle.flatbuffer) else ProgramModel(bundle, command)
        return Classifier(bundle.contract, listOf(model))
    }

    private fun about(classifier: Classifier): String = JSONObject()
        .put("engine", classifier.engine)
        .put("platform", System.getProperty("edgekit.platform"))
        .put("decoder", "Android 14's own")
        .toString()

    private fun answer(classifier: Classifier, job: JSONObject): String {
        val plan = classifier.contract.plan
        return try {
            val photo = Photos.read(File(job.getString("photo")).readBytes(), plan.workingPx, job.getString("photo"))
            val verdict = classifier.classify(photo, stopEarly = job.getBoolean("stop_early"))
            if (!job.isNull("crops_to")) {
                File(job.getString("crops_to")).outputStream().use { file ->
                    verdict.crops.forEach { file.write(toTensor(photo, it.box, classifier.contract.sidePx)) }
                }
            }
            told(verdict)
        } catch (refusal: PhotoException) {
            JSONObject().put("refused", refusal.message).toString()
        }
    }

    private fun told(verdict: Verdict): String = """{"verdict": ${verdict.toJson()}}"""
}

/** A model that a program of its own runs: crops go to its input, scores come from its output. */
private class ProgramModel(bundle: Bundle, command: List<String>) : Model {
    override val sidePx = bundle.contract.sidePx
    override val classes = bundle.contract.labels.size
    override val engine: String
    private val file = File.createTempFile("model", ".tflite")
    private val process: Process

    init {
        file.outputStream().channel.use { it.write(bundle.flatbuffer.duplicate()) }
        process = ProcessBuilder(command.map { if (it == "MODEL") file.path else it }).start()
        val version = process.errorStream.bufferedReader().readLine() ?: throw ModelException("${command[0]} ended at once")
        engine = version.replace("TFLite", "tflite") + ", XNNPACK"
    }

    override fun score(rgb: ByteArray, index: Int): FloatArray {
        process.outputStream.write(rgb)
        process.outputStream.flush()
        val bytes = ByteArray(classes * Float.SIZE_BYTES)
        try {
            DataInputStream(process.inputStream).readFully(bytes)
        } catch (end: EOFException) {
            throw ModelException("the program that scores ended: exit code ${process.waitFor()}", end)
        }
        return FloatArray(classes).also { ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(it) }
    }

    override fun close() {
        process.outputStream.close()
        process.waitFor()
        file.delete()
    }
}
