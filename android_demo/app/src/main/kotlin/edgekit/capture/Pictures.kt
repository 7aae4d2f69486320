package edgekit.capture

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Matrix
import android.os.Handler
import android.os.Looper
import android.util.LruCache
import edgekit.capture.core.ShownPhoto
import edgekit.runtime.Exif
import java.io.File
import java.io.IOException
import java.util.concurrent.Executors

/** Small upright pictures of stored photos, made away from the main thread. */
class Pictures {
    private val worker = Executors.newSingleThreadExecutor { Thread(it, "edgekit-pictures") }
    private val main = Handler(Looper.getMainLooper())
    private val kept = object : LruCache<String, Bitmap>(KEPT_BYTES) {
        override fun sizeOf(key: String, value: Bitmap): Int = value.byteCount
    }

    /** Shows a photo as soon as it is there; null where it can't be decoded. */
    fun load(photo: File, sidePx: Int, show: (Bitmap?) -> Unit) {
        val key = "${photo.path} $sidePx"
        kept[key]?.let { return show(it) }
        worker.execute {
            val made = read(sidePx, photo::readBytes)?.also { kept.put(key, it) }
            main.post { show(made) }
        }
    }

    /** The same for a photo that lies nowhere. */
    fun load(photo: ShownPhoto, sidePx: Int, show: (Bitmap?) -> Unit) = worker.execute {
        val made = read(sidePx) { photo.content }
        main.post { show(made) }
    }

    /** Waits until all that was asked for is decoded. */
    fun await() {
        worker.submit {}.get()
    }

    // Without a picture a photo still has its verdict, and the app its life.
    private fun read(sidePx: Int, content: () -> ByteArray): Bitmap? = try {
        upright(content(), sidePx)
    } catch (_: IOException) {
        null
    } catch (_: OutOfMemoryError) {
        null
    }

    private companion object {
        const val KEPT_BYTES = 24 shl 20
    }
}

/**
 * A photo as it stands upright and is not mirrored, by EXIF.
 *
 * @param sidePx Its longer side is so long or up to twice that, unless it is smaller.
 * @return Null where it can't be decoded.
 */
internal fun upright(content: ByteArray, sidePx: Int): Bitmap? {
    val options = BitmapFactory.Options().apply { inJustDecodeBounds = true }
    BitmapFactory.decodeByteArray(content, 0, content.size, options)
    if (options.outWidth < 1) return null
    options.inJustDecodeBounds = false
    options.inSampleSize = sampleSize(options.outWidth, options.outHeight, sidePx)
    val found = BitmapFactory.decodeByteArray(content, 0, content.size, options) ?: return null
    val turn = matrixOf(Exif.orientation(content)) ?: return found
    return Bitmap.createBitmap(found, 0, 0, found.width, found.height, turn, true)
}

private fun sampleSize(width: Int, height: Int, sidePx: Int): Int {
    var sample = 1
    while (maxOf(width, height) / (sample * 2) >= sidePx) sample *= 2
    return sample
}

/** What an EXIF orientation from 1 to 8 does to a picture; null where it does nothing. */
private fun matrixOf(orientation: Int): Matrix? = when (orientation) {
    2 -> Matrix().apply { setScale(-1f, 1f) }
    3 -> Matrix().apply { setRotate(180f) }
    4 -> Matrix().apply { setScale(1f, -1f) }
    5 -> Matrix().apply { setRotate(90f); postScale(-1f, 1f) }
    6 -> Matrix().apply { setRotate(90f) }
    7 -> Matrix().apply { setRotate(-90f); postScale(-1f, 1f) }
    8 -> Matrix().apply { setRotate(-90f) }
    else -> null
}
