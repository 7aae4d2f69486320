package edgekit.capture

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Matrix
import android.os.Handler
import android.os.Looper
import android.util.LruCache
import java.io.File
import java.util.concurrent.Executors

/** Small upright pictures of stored photos, made away from the main thread. */
class Pictures {
    private val worker = Executors.newSingleThreadExecutor { Thread(it, "edgekit-pictures") }
    private val main = Handler(Looper.getMainLooper())
    private val kept = object : LruCache<String, Bitmap>(KEPT_BYTES) {
        override fun sizeOf(key: String, value: Bitmap): Int = value.byteCount
    }

    /** Shows a photo as soon as it is there; null where it can't be decoded. */
    fun load(photo: File, rotation: Int, sidePx: Int, show: (Bitmap?) -> Unit) {
        val key = "${photo.path} $sidePx"
        kept[key]?.let { return show(it) }
        worker.execute {
            val made = decode(photo, rotation, sidePx)?.also { kept.put(key, it) }
            main.post { show(made) }
        }
    }

    /** Waits until all that was asked for is decoded. */
    fun await() {
        worker.submit {}.get()
    }

    private fun decode(photo: File, rotation: Int, sidePx: Int): Bitmap? {
        val options = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        BitmapFactory.decodeFile(photo.path, options)
        if (options.outWidth < 1) return null
        options.inJustDecodeBounds = false
        options.inSampleSize = 1
        while (maxOf(options.outWidth, options.outHeight) / (options.inSampleSize * 2) >= sidePx) options.inSampleSize *= 2
        val found = BitmapFactory.decodeFile(photo.path, options) ?: return null
        if (rotation == 0) return found
        val turn = Matrix().apply { postRotate(rotation.toFloat()) }
        return Bitmap.createBitmap(found, 0, 0, found.width, found.height, turn, true)
    }

    private companion object {
        const val KEPT_BYTES = 24 shl 20
    }
}
