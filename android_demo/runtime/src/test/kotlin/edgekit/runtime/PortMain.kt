package edgekit.runtime

import java.io.File
import java.security.MessageDigest

/**
 * Classifies raw pictures by a model file, as the record of all ports wants it.
 *
 * ```
 * java -cp … edgekit.runtime.PortMain MODEL [--threads N] [--crops K] [--all-crops] RAW WIDTH HEIGHT [SOURCE_WIDTH SOURCE_HEIGHT SHRINK] …
 * java -cp … edgekit.runtime.PortMain MODEL [options] -          # the same, a picture a line of the standard input
 * ```
 *
 * RAW is a file of WIDTH x HEIGHT x 3 bytes (RGB, rows from the top) with its path free of blanks. Three more numbers say
 * that the pixels are at their working size already: the size of the whole upright photo, and how many times smaller they
 * are. On the command line all pictures have either three words or six, six where `--reduced` is among the options; on the
 * standard input each line says by its number of words.
 *
 * - `--threads N` models side by side; 1 unless given.
 * - `--crops K` exactly so many crops; the contract's number unless given.
 * - `--all-crops` the contract's bounds end nothing early.
 *
 * Prints a JSON object a line, in the order of the pictures: `raw`, and `verdict` as Python's `Verdict.to_dict()` has it
 * with `size_wh`, `crop_sha256` (of each crop's pixels) and `engine`; of a model of regions `raw` and `regions`, as Python's
 * `RegionsVerdict.to_dict()` has them; or `raw` and `refused`, the message. The exit code is 2 where the model is refused.
 */
object PortMain {
    @JvmStatic
    fun main(args: Array<String>) {
        val options = Options(args.drop(1))
        val bundle = try {
            Bundle.read(File(args[0]).readBytes(), args[0])
        } catch (refusal: EdgekitException) {
            System.err.println("error: ${refusal.message}")
            kotlin.system.exitProcess(2)
        }
        val models = List(options.threads) { JvmModel(bundle.flatbuffer) }
        Classifier(bundle.contract, models, null, bundle.detector?.let { JvmDetector(it) }).use { classifier ->
            for (words in options.pictures()) println(Json.write(mapOf("raw" to words[0]) + answer(classifier, words, options)))
        }
    }

    private fun answer(classifier: Classifier, words: List<String>, options: Options): Map<String, Any?> = try {
        val photo = photoOf(words, classifier.contract)
        if (classifier.contract.regions == null) {
            verdict(classifier, photo, options)
        } else {
            mapOf("regions" to classifier.classifyRegions(photo, options.crops, !options.allCrops).toMap())
        }
    } catch (refusal: EdgekitException) {
        mapOf("refused" to refusal.message)
    }

    private fun verdict(classifier: Classifier, photo: Photo, options: Options): Map<String, Any?> {
        val verdict = classifier.classify(photo, options.crops, stopEarly = !options.allCrops)
        return mapOf(
            "verdict" to verdict.toMap(),
            "size_wh" to listOf(photo.size.widthPx, photo.size.heightPx),
            "crop_sha256" to verdict.crops.map { sha256(toTensor(photo, it.box, classifier.contract.sidePx)) },
            "engine" to classifier.engine,
        )
    }

    private fun photoOf(words: List<String>, contract: Contract): Photo {
        val numbers = words.drop(1).map { it.toInt() }
        val picture = Picture(numbers[0], numbers[1], File(words[0]).readBytes())
        return if (numbers.size == 2) Photo.of(picture, contract.photoWorkingPx) else Photo(picture, SizeWh(numbers[2], numbers[3]), numbers[4])
    }

    private fun sha256(content: ByteArray): String =
        MessageDigest.getInstance("SHA-256").digest(content).joinToString("") { "%02x".format(it) }

    private class Options(args: List<String>) {
        var threads = 1
        var crops: Int? = null
        var allCrops = false
        private var isReduced = false
        private val words: List<String>

        init {
            var at = 0
            while (at < args.size && args[at].startsWith("--")) {
                when (args[at++]) {
                    "--threads" -> threads = args[at++].toInt()
                    "--crops" -> crops = args[at++].toInt()
                    "--all-crops" -> allCrops = true
                    "--reduced" -> isReduced = true
                    else -> throw IllegalArgumentException("unknown option ${args[at - 1]}")
                }
            }
            words = args.drop(at)
        }

        /** The words of each picture. */
        fun pictures(): Sequence<List<String>> =
            if (words == listOf("-")) {
                generateSequence { readlnOrNull() }.filter { it.isNotBlank() }.map { it.trim().split(" ") }
            } else {
                words.chunked(if (isReduced) 6 else 3).asSequence()
            }
    }
}
