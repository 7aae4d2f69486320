package edgekit.capture.core

import edgekit.runtime.Contract
import edgekit.runtime.Frame
import edgekit.runtime.RegionsVerdict
import edgekit.runtime.Verdict
import java.io.File
import java.io.InputStream

/** A model file with its name for people. */
class ModelFile(val name: String, val content: ByteArray)

/** A loaded model, as live view, shutter and benchmark use it. Usable from several threads. */
interface Scorer : BenchModel {
    val contract: Contract
    val model: ModelName
    val threads: Int

    /** Judges a camera frame; it must stay as it is until this returns. */
    fun classify(frame: Frame, crops: Int?): Verdict

    /** Judges each region of a photo by its file's bytes; of a model of regions alone. */
    fun regions(photo: ByteArray, crops: Int?): RegionsVerdict

    /** Judges each region of a camera frame, as above. */
    fun regions(frame: Frame, crops: Int?): RegionsVerdict
}

/** Loads model files. */
fun interface Scorers {
    /**
     * Checks and loads a model.
     *
     * @param delegate `default` or `gpu`.
     * @throws edgekit.runtime.EdgekitException the file is none that may be run, or the interpreter refuses it.
     */
    fun load(file: ModelFile, threads: Int, delegate: String): Scorer
}

/**
 * The model in use: the one that a person chose, else the one that came with the app.
 *
 * @param folder Holds the chosen model's file alone.
 */
class ModelShelf(private val folder: File, private val bundled: () -> ModelFile) {
    /** The model in use. */
    fun current(): ModelFile = chosen()?.let { ModelFile(it.name, it.readBytes()) } ?: bundled()

    /** Whether the model in use came with the app. */
    val isBundled: Boolean get() = chosen() == null

    /** Keeps a model that was found good; the one before it goes. */
    fun choose(file: ModelFile) {
        folder.mkdirs()
        val target = File(folder, file.name)
        writeWhole(target) { it.write(file.content) }
        folder.listFiles().orEmpty().filter { it != target }.forEach(File::delete)
    }

    /** Goes back to the model that came with the app. */
    fun useBundled() = folder.listFiles().orEmpty().forEach { it.delete() }

    /** Deletes what an ended process left half-written. */
    fun recover() = deleteUnfinished(folder)

    private fun chosen(): File? = folder.listFiles().orEmpty().firstOrNull { it.isFile && !it.name.endsWith(UNFINISHED) }

    companion object {
        /** Bytes of a model file that an app's memory is sure to hold. */
        const val MOST_BYTES = 64 shl 20

        /**
         * A model file from a stream, with a name that can be a file's.
         *
         * @throws TooLargeException it has more than [MOST_BYTES].
         */
        fun read(name: String, input: InputStream): ModelFile {
            val safe = name.map { if (it in 'a'..'z' || it in 'A'..'Z' || it in '0'..'9' || it in "._-") it else '_' }
            return ModelFile(safe.joinToString("").trimStart('.').take(100).ifEmpty { "model" }, readBounded(input, MOST_BYTES))
        }
    }
}
