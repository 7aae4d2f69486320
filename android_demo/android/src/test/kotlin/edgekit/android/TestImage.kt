package edgekit.android

import android.media.Image
import java.nio.ByteBuffer

/** A camera's image on buffers of a test: Robolectric has none with pixels. */
internal class TestImage(
    private val widthPx: Int,
    private val heightPx: Int,
    private val kind: Int,
    private val parts: List<Plane>,
) : Image() {
    private var isOpen = true

    override fun getFormat(): Int = open(kind)

    override fun getWidth(): Int = open(widthPx)

    override fun getHeight(): Int = open(heightPx)

    override fun getTimestamp(): Long = open(0L)

    override fun getPlanes(): Array<Plane> = open(parts.toTypedArray())

    override fun getTransform(): Int = 0

    override fun getScalingMode(): Int = 0

    override fun close() {
        isOpen = false
    }

    private fun <T> open(value: T): T {
        check(isOpen) { "Image is already closed" }
        return value
    }
}

internal class TestPlane(private val bytes: ByteBuffer, private val row: Int, private val pixel: Int) : Image.Plane() {
    override fun getRowStride(): Int = row

    override fun getPixelStride(): Int = pixel

    override fun getBuffer(): ByteBuffer = bytes
}
