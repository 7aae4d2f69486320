package edgekit.android

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Color
import edgekit.runtime.EdgekitException
import edgekit.runtime.Exif
import edgekit.runtime.Headers
import edgekit.runtime.Limits
import edgekit.runtime.Photo
import edgekit.runtime.PhotoException
import edgekit.runtime.PhotoKind
import edgekit.runtime.Picture
import edgekit.runtime.SizeWh
import edgekit.runtime.shrinkFor
import java.nio.ByteBuffer

/**
 * Files and bitmaps as the runtime's photos, with the pixels that Python's runtime gets of them.
 *
 * JPEG, PNG, WebP, GIF (the first frame) and BMP are read on every Android. HEIC and AVIF are refused by name: phones
 * decode them each in its own way. A photo must be opaque. EXIF turns it; all other metadata, colour profiles among them,
 * are left.
 */
public object Photos {
    private const val RGBA_BYTES = 4
    private const val MAX_DECODER_SHRINK = 8

    // Bytes of a pixel before red and before blue: 0 and 2 on phones, the other way round where Skia runs on a PC.
    private val redAndBlue: Pair<Int, Int> by lazy {
        val probe = Bitmap.createBitmap(1, 1, Bitmap.Config.ARGB_8888)
        probe.eraseColor(Color.rgb(1, 2, 3))
        val raw = ByteBuffer.allocate(RGBA_BYTES).also(probe::copyPixelsToBuffer).array()
        raw.indexOf(1) to raw.indexOf(3)
    }

    /**
     * Decodes a photo and brings it to its working size: a JPEG down to an eighth by the decoder itself.
     *
     * @param content the whole file
     * @param workingPx of the contract's plan; null keeps the size that the photo has
     * @param name names the photo in messages
     * @throws PhotoException no picture, damaged, cut short, not opaque, beyond [Limits], of a format that phones do not
     *   read alike, or more than its memory holds
     */
    @JvmStatic
    @JvmOverloads
    @Throws(EdgekitException::class)
    public fun read(content: ByteArray, workingPx: Int? = null, name: String = "photo"): Photo {
        val kind = Headers.check(content, workingPx, name, Memory.decodingBytes())
        return withinMemory(name) {
            val stored = Headers.size(content, name)
            val shrink = shrinkFor(stored, workingPx)
            // Of other formats the decoder leaves pixels out; a JPEG's it scales while it transforms them back.
            val scale = if (kind == PhotoKind.JPEG) minOf(shrink, MAX_DECODER_SHRINK) else 1
            val bitmap = decode(content, scale, kind, name)
            val kept = SizeWh(stored.widthPx / shrink, stored.heightPx / shrink)
            val picture = try {
                pixels(bitmap, kept, shrink / scale, name)
            } finally {
                bitmap.recycle()
            }
            val orientation = Exif.orientation(content)
            val size = if (orientation in 5..8) SizeWh(stored.heightPx, stored.widthPx) else stored
            Photo(picture.turned(orientation), size, shrink)
        }
    }

    /**
     * The pixels of a bitmap, which is left as it is.
     *
     * @param bitmap of any configuration, in the RGB that it has: its colour space is not looked at
     * @throws PhotoException not opaque, recycled, more than [Limits.MAX_PIXELS], or more than the memory holds
     */
    @JvmStatic
    @JvmOverloads
    @Throws(EdgekitException::class)
    public fun picture(bitmap: Bitmap, name: String = "bitmap"): Picture {
        if (bitmap.isRecycled) throw PhotoException("$name: a bitmap must not be recycled before it is classified")
        val size = SizeWh(bitmap.width, bitmap.height)
        Limits.checkSize(name, size, "; scale it down")
        return withinMemory(name) {
            if (bitmap.config == Bitmap.Config.ARGB_8888) {
                pixels(bitmap, size, 1, name)
            } else {
                val copy = bitmap.copy(Bitmap.Config.ARGB_8888, false)
                    ?: throw PhotoException("$name: a bitmap of ${bitmap.config} can't be read; draw it as ARGB_8888")
                try {
                    pixels(copy, size, 1, name)
                } finally {
                    copy.recycle()
                }
            }
        }
    }

    private fun decode(content: ByteArray, scale: Int, kind: PhotoKind, name: String): Bitmap {
        val options = BitmapFactory.Options().apply {
            inSampleSize = scale
            inPreferredConfig = Bitmap.Config.ARGB_8888
            inPremultiplied = false
            inScaled = false
        }
        val bitmap = BitmapFactory.decodeByteArray(content, 0, content.size, options)
            ?: throw PhotoException(
                "$name: not a whole $kind picture: its decoder refuses it; copy it again, or save it anew as JPEG",
            )
        if (bitmap.config != Bitmap.Config.ARGB_8888) {
            throw PhotoException("$name: Android must decode it to ARGB_8888, got ${bitmap.config}; save it as JPEG")
        }
        return bitmap
    }

    /** Means of blocks of [rest] x [rest] pixels from the top left; the decoder may have a row or column too many. */
    private fun pixels(bitmap: Bitmap, kept: SizeWh, rest: Int, name: String): Picture {
        val (width, height) = kept.widthPx * rest to kept.heightPx * rest
        if (bitmap.width < width || bitmap.height < height) {
            throw PhotoException("$name: its decoder must give $width x $height pixels, got ${bitmap.width} x ${bitmap.height}")
        }
        // Not getPixels(), which converts colours where a profile says so: scores are of the numbers in the file.
        val raw = ByteBuffer.allocate(bitmap.rowBytes * bitmap.height)
        bitmap.copyPixelsToBuffer(raw)
        val (rgba, stride) = raw.array() to bitmap.rowBytes
        if (bitmap.hasAlpha()) checkOpaque(rgba, stride, SizeWh(bitmap.width, bitmap.height), name)
        if (rest == 1) return Picture(width, height, rgb(rgba, stride, SizeWh(width, height), 0))
        val reduced = ByteArray(kept.widthPx * kept.heightPx * 3)
        for (row in 0 until kept.heightPx) {
            val strip = Picture(width, rest, rgb(rgba, stride, SizeWh(width, rest), row * rest)).reduce(rest)
            strip.rgb.copyInto(reduced, row * kept.widthPx * 3)
        }
        return Picture(kept.widthPx, kept.heightPx, reduced)
    }

    private fun rgb(rgba: ByteArray, stride: Int, size: SizeWh, top: Int): ByteArray {
        val rgb = ByteArray(size.widthPx * size.heightPx * 3)
        val (red, blue) = redAndBlue
        var to = 0
        for (row in top until top + size.heightPx) {
            var from = row * stride
            repeat(size.widthPx) {
                rgb[to] = rgba[from + red]
                rgb[to + 1] = rgba[from + 1]
                rgb[to + 2] = rgba[from + blue]
                to += 3
                from += RGBA_BYTES
            }
        }
        return rgb
    }

    private fun checkOpaque(rgba: ByteArray, stride: Int, size: SizeWh, name: String) {
        for (row in 0 until size.heightPx) {
            for (at in row * stride + 3 until row * stride + size.widthPx * RGBA_BYTES step RGBA_BYTES) {
                if (rgba[at] != 255.toByte()) {
                    throw PhotoException("$name: a photo must be opaque, got transparent pixels; export it as JPEG")
                }
            }
        }
    }

    private fun <T> withinMemory(name: String, work: () -> T): T = try {
        work()
    } catch (full: OutOfMemoryError) {
        val free = Runtime.getRuntime().maxMemory() / 1_000_000
        throw PhotoException(
            "$name: a photo must fit into the app's memory of $free MB while it is decoded, it does not; save it smaller, " +
                "or as JPEG, which is decoded at a reduced scale where the model's working size allows it",
            full,
        )
    }
}
