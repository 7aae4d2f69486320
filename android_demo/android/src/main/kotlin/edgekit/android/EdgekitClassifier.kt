package edgekit.android

import android.content.Context
import android.graphics.Bitmap
import android.media.Image
import android.net.Uri
import edgekit.runtime.Beside
import edgekit.runtime.Bundle
import edgekit.runtime.Classifier
import edgekit.runtime.Contract
import edgekit.runtime.ContractException
import edgekit.runtime.EdgekitException
import edgekit.runtime.Limits
import edgekit.runtime.Model
import edgekit.runtime.ModelException
import edgekit.runtime.Photo
import edgekit.runtime.PhotoException
import edgekit.runtime.Pixels
import edgekit.runtime.RegionsVerdict
import edgekit.runtime.Verdict
import edgekit.runtime.readUpTo
import java.io.Closeable
import java.io.File
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream

/**
 * A model file that turns photos and camera frames into verdicts, offline.
 *
 * ```kotlin
 * EdgekitClassifier.load(context, "model.tflite").use { it.classify(image, rotation) }
 * ```
 *
 * Usable from several threads, but not on the main one: loading and classifying take their time. Everything that can go
 * wrong for a reason that a user can act on is an [EdgekitException]: a `ContractException` (the model file), a
 * `ModelException` (TFLite, the accelerator) or a `PhotoException` (this photo); its message says what to do.
 *
 * @property contract of the model file: labels, crop plan, decision
 * @property modelSha256 hex SHA-256 of the whole model file
 * @property options as they were asked for. An accelerator that can't be had is an error, but one that is there may leave
 *   operators to the processor: TFLite does not tell which
 * @property engine what runs the model, for records: TFLite's version, the delegate that was asked for, the threads. Which
 *   kernels TFLite chooses by itself, and which operators a delegate took, it does not tell
 */
public class EdgekitClassifier private constructor(
    private val classifier: Classifier,
    public val modelSha256: String,
    public val options: Options,
) : Closeable {
    public val contract: Contract get() = classifier.contract

    /** How many crops are scored at the same time: those of [options], or one where the GPU scores them. */
    public val threads: Int get() = classifier.threads

    public val engine: String =
        classifier.engine + if (classifier.threads == 1) ", 1 thread" else ", ${classifier.threads} threads"

    /**
     * Classifies a camera's image; it must stay open until this returns.
     *
     * @param image of format YUV_420_888
     * @param rotation clockwise degrees that make it upright: 0, 90, 180 or 270
     * @param crops score exactly so many, 1 to 1000; null: the contract's number, or fewer where it can stop early
     * @param stopEarly whether the contract's bounds may end the work before the last crop
     * @throws PhotoException as [Planes.frame], or less than 8x8 pixels; with regions, none or several ([classifyRegions]
     *   answers for each)
     * @throws EdgekitException the model can't score it, or the classifier is closed
     */
    @JvmOverloads
    @Throws(EdgekitException::class)
    public fun classify(image: Image, rotation: Int = 0, crops: Int? = null, stopEarly: Boolean = true): Verdict =
        classify(Planes.frame(image, rotation), crops, stopEarly)

    /** Classifies a camera's frame, or a picture of full size; parameters and errors as for an image. */
    @JvmOverloads
    @Throws(EdgekitException::class)
    public fun classify(pixels: Pixels, crops: Int? = null, stopEarly: Boolean = true): Verdict =
        classifier.classify(pixels, crops, stopEarly)

    /**
     * Classifies a photo by its file's content, such as the JPEG of a shutter; EXIF turns it.
     *
     * @param name names the photo in messages
     * @throws PhotoException as [Photos.read], or less than 8x8 pixels
     * @throws EdgekitException the model can't score it, or the classifier is closed
     */
    @JvmOverloads
    @Throws(EdgekitException::class)
    public fun classify(
        content: ByteArray,
        crops: Int? = null,
        stopEarly: Boolean = true,
        name: String = "photo",
    ): Verdict {
        val began = System.nanoTime()
        val photo = Photos.read(content, contract.photoWorkingPx, name)
        return classifier.classify(photo, crops, stopEarly, milliseconds(began))
    }

    /** Classifies a photo in a file; errors as for its content, and where it can't be read. */
    @JvmOverloads
    @Throws(EdgekitException::class)
    public fun classify(file: File, crops: Int? = null, stopEarly: Boolean = true): Verdict =
        classify(content(file.path, Limits.MAX_FILE_BYTES, ::PhotoException) { file.inputStream() }, crops, stopEarly, file.path)

    /** Classifies a photo of the gallery or of another app; errors as for its content, and where it can't be read. */
    @JvmOverloads
    @Throws(EdgekitException::class)
    public fun classify(context: Context, photo: Uri, crops: Int? = null, stopEarly: Boolean = true): Verdict {
        val content = content(context, photo, Limits.MAX_FILE_BYTES, ::PhotoException)
        return classify(content, crops, stopEarly, "$photo")
    }

    /**
     * Classifies a bitmap, which must be upright and opaque, and as large as the photo is: what was scaled down by other
     * rules than the contract's scores otherwise.
     *
     * @throws PhotoException as [Photos.picture], or less than 8x8 pixels
     * @throws EdgekitException the model can't score it, or the classifier is closed
     */
    @JvmOverloads
    @Throws(EdgekitException::class)
    public fun classify(bitmap: Bitmap, crops: Int? = null, stopEarly: Boolean = true): Verdict {
        val began = System.nanoTime()
        val picture = Photos.picture(bitmap)
        return classifier.classify(picture, crops, stopEarly, milliseconds(began))
    }

    /**
     * Classifies each region of a photo, such as each face: with two there are two answers, without any there is none.
     *
     * @param content the photo's file
     * @param crops score exactly so many crops of each region; null: the contract's number, or fewer
     * @param stopEarly whether the contract's bounds may end the work before a region's last crop
     * @param name names the photo in messages
     * @throws edgekit.runtime.ContractException the model classifies whole photos
     * @throws PhotoException as [Photos.read], or less than 8x8 pixels
     * @throws EdgekitException the model can't score it, or the classifier is closed
     */
    @JvmOverloads
    @Throws(EdgekitException::class)
    public fun classifyRegions(
        content: ByteArray,
        crops: Int? = null,
        stopEarly: Boolean = true,
        name: String = "photo",
    ): RegionsVerdict {
        val began = System.nanoTime()
        val photo = Photos.read(content, null, name)
        return classifier.classifyRegions(photo, crops, stopEarly, milliseconds(began))
    }

    /** Classifies each region of a camera's frame, or of a picture of full size; errors as for a file's content. */
    @JvmOverloads
    @Throws(EdgekitException::class)
    public fun classifyRegions(pixels: Pixels, crops: Int? = null, stopEarly: Boolean = true): RegionsVerdict =
        classifier.classifyRegions(Photo.of(pixels, null), crops, stopEarly)

    /** Classifies each region of a camera's image, which must stay open until this returns; as for a frame. */
    @JvmOverloads
    @Throws(EdgekitException::class)
    public fun classifyRegions(image: Image, rotation: Int = 0, crops: Int? = null, stopEarly: Boolean = true): RegionsVerdict =
        classifyRegions(Planes.frame(image, rotation), crops, stopEarly)

    /** Frees the model; what is being scored is finished first. Using the classifier afterwards is an error. */
    override fun close() {
        classifier.close()
    }

    public companion object {
        private const val NS_PER_MS = 1e6

        /**
         * Loads a model file from the app's assets; one that is stored uncompressed (`noCompress += "tflite"`) is read faster.
         *
         * @param asset its path in the assets
         * @throws ContractException no such asset, or no model file that edgekit made, or one that was changed since
         * @throws EdgekitException TFLite refuses it, or the accelerator that was asked for can't be had
         */
        @JvmStatic
        @JvmOverloads
        @Throws(EdgekitException::class)
        public fun load(context: Context, asset: String, options: Options = Options()): EdgekitClassifier =
            content(asset, Limits.MAX_MODEL_BYTES, ::ContractException) { context.assets.open(asset) }.let { whole ->
                load(whole, options, asset, beside { ifThere { context.assets.open(File(asset).resolveSibling(it).path) } })
            }

        /** Loads a model file that the user chose; errors as for an asset. */
        @JvmStatic
        @JvmOverloads
        @Throws(EdgekitException::class)
        public fun load(context: Context, model: Uri, options: Options = Options()): EdgekitClassifier =
            load(content(context, model, Limits.MAX_MODEL_BYTES, ::ContractException), options, "$model")

        /** Loads a model file; errors as for an asset. */
        @JvmStatic
        @JvmOverloads
        @Throws(EdgekitException::class)
        public fun load(file: File, options: Options = Options()): EdgekitClassifier =
            content(file.path, Limits.MAX_MODEL_BYTES, ::ContractException) { file.inputStream() }.let { whole ->
                // One that is there and may not be read is told as such.
                load(whole, options, file.path, beside { file.absoluteFile.resolveSibling(it).takeIf(File::exists)?.inputStream() })
            }

        /** Files of a model's folder; [open] gives null for one that is not there. */
        private fun beside(open: (String) -> InputStream?) =
            Beside { name, limitBytes -> contentOrNull(name, limitBytes, ::ContractException) { open(name) } }

        private fun ifThere(open: () -> InputStream): InputStream? = try {
            open()
        } catch (_: FileNotFoundException) {
            null
        }

        /**
         * Loads a model file by its content; errors as for an asset.
         *
         * @param beside reads a detector of regions that lies beside the model file; null where nothing can
         */
        @JvmStatic
        @JvmOverloads
        @Throws(EdgekitException::class)
        public fun load(
            content: ByteArray,
            options: Options = Options(),
            name: String = "model",
            beside: Beside? = null,
        ): EdgekitClassifier {
            val bundle = try {
                Bundle.read(content, name, beside)
            } catch (full: OutOfMemoryError) {
                throw ContractException("$name must fit into the app's memory while it is checked, it does not", full)
            }
            return load(bundle, options)
        }

        /** Loads a model file that was read and checked; errors as for an asset. */
        @JvmStatic
        @JvmOverloads
        @Throws(EdgekitException::class)
        public fun load(bundle: Bundle, options: Options = Options()): EdgekitClassifier {
            checkThreads(options.threads)
            // The GPU takes one crop at a time: more interpreters would only hold its memory.
            val count = if (options.accelerator == Accelerator.GPU) 1 else options.threads
            val models = ArrayList<Model>(count)
            var detector: TfliteDetector? = null
            var isWhole = false
            try {
                repeat(count) { models += TfliteModel.open(bundle.flatbuffer, 1, options.accelerator) }
                detector = bundle.detector?.let { TfliteDetector.open(it, options.threads) }
                isWhole = true
            } catch (full: OutOfMemoryError) {
                throw ModelException("a model must fit into the app's memory $count times, it does not; ask for fewer threads", full)
            } finally {
                if (!isWhole) models.forEach { it.close() }
            }
            val wide = if (count == 1) null else fun(): Model = TfliteModel.open(bundle.flatbuffer, count)
            return EdgekitClassifier(Classifier(bundle.contract, models, wide, detector), bundle.fileSha256, options)
        }

        private fun milliseconds(since: Long): Double = (System.nanoTime() - since) / NS_PER_MS

        /** What another app offers under an address, up to a limit. */
        private fun content(
            context: Context,
            uri: Uri,
            limitBytes: Int,
            fail: (String, Throwable?) -> EdgekitException,
        ): ByteArray = try {
            foreign { content("$uri", limitBytes, fail) { stream(context, uri) } }
        } catch (failure: IOException) {
            throw fail("$uri can't be read: ${failure.message}; choose it again", failure)
        }

        private fun stream(context: Context, uri: Uri): InputStream =
            context.contentResolver.openInputStream(uri) ?: throw IOException("its app gives no content")

        /** What a stream holds, up to a limit. */
        private fun content(
            name: String,
            limitBytes: Int,
            fail: (String, Throwable?) -> EdgekitException,
            open: () -> InputStream,
        ): ByteArray = checkNotNull(contentOrNull(name, limitBytes, fail, open))

        /** The same; null where there is no stream. */
        private fun contentOrNull(
            name: String,
            limitBytes: Int,
            fail: (String, Throwable?) -> EdgekitException,
            open: () -> InputStream?,
        ): ByteArray? {
            try {
                val stream = open() ?: return null
                return stream.use { it.readUpTo(limitBytes) }
                    ?: throw fail("$name must have at most $limitBytes bytes, got more; choose another file", null)
            } catch (failure: IOException) {
                throw fail("$name can't be read: ${failure.message}; choose it again", failure)
            } catch (denied: SecurityException) {
                throw fail("$name must be one that this app may read: ${denied.message}; choose it again", denied)
            } catch (full: OutOfMemoryError) {
                throw fail("$name must fit into the app's memory, it does not", full)
            }
        }
    }
}
