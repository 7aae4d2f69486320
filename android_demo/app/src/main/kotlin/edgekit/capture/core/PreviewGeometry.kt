package edgekit.capture.core

import kotlin.math.abs
import kotlin.math.cos
import kotlin.math.max
import kotlin.math.sin

/** Width and height in pixels. */
data class SizePx(val width: Int, val height: Int) {
    /** Whether both turn the same rectangle's proportions out, within half a percent. */
    fun hasShapeOf(other: SizePx): Boolean =
        abs(width.toDouble() * other.height / (height.toDouble() * other.width) - 1) < 0.005

    val areaPx: Long get() = width.toLong() * height
}

/** The three streams of a session. */
data class StreamSizes(val preview: SizePx, val analysis: SizePx, val photo: SizePx)

/** Where to measure focus and light, as parts of the sensor's width and height, 0 to 1. */
data class SensorPoint(val x: Double, val y: Double)

/**
 * Clockwise degrees by which a picture from the sensor must be turned to stand upright on the display's photo.
 *
 * @param sensorDegrees As the camera tells: 0, 90, 180 or 270.
 * @param displayDegrees By which the display's content is turned, 0, 90, 180 or 270: `Display.rotation` times 90.
 */
fun uprightDegrees(sensorDegrees: Int, displayDegrees: Int, isFront: Boolean): Int =
    // The display counts counter-clockwise turns of the device; a front camera sees them mirrored.
    (if (isFront) sensorDegrees + displayDegrees else sensorDegrees - displayDegrees + 360) % 360

/**
 * The matrix of a TextureView that shows a camera's picture upright, undistorted and without empty edges.
 *
 * Without a matrix the view shows the picture upright for the device's natural orientation, stretched to the view.
 *
 * @param view Size of the view as the display is turned now.
 * @param buffer Size of the camera's preview, as the sensor lies.
 * @return Nine numbers, row by row, as `android.graphics.Matrix` takes them.
 */
fun previewMatrix(view: SizePx, buffer: SizePx, sensorDegrees: Int, displayDegrees: Int): FloatArray {
    val content = if (sensorDegrees % 180 == 0) buffer else SizePx(buffer.height, buffer.width)
    val turned = if (displayDegrees % 180 == 0) content else SizePx(content.height, content.width)
    val cover = max(view.width.toDouble() / turned.width, view.height.toDouble() / turned.height)
    val scaleX = cover * content.width / view.width
    val scaleY = cover * content.height / view.height
    val radians = Math.toRadians(-displayDegrees.toDouble())
    val (cosine, sine) = cos(radians) to sin(radians)
    val (centreX, centreY) = view.width / 2.0 to view.height / 2.0
    val (a, b) = cosine * scaleX to -sine * scaleY
    val (c, d) = sine * scaleX to cosine * scaleY
    return floatArrayOf(
        a.toFloat(), b.toFloat(), (centreX - a * centreX - b * centreY).toFloat(),
        c.toFloat(), d.toFloat(), (centreY - c * centreX - d * centreY).toFloat(),
        0f, 0f, 1f,
    )
}

/**
 * The point of the sensor that a touch of the preview means.
 *
 * @param xPx Of the touch, in the view, as is yPx.
 */
fun sensorPoint(
    xPx: Float,
    yPx: Float,
    view: SizePx,
    buffer: SizePx,
    uprightDegrees: Int,
    isFront: Boolean,
): SensorPoint {
    val upright = if (uprightDegrees % 180 == 0) buffer else SizePx(buffer.height, buffer.width)
    val cover = max(view.width.toDouble() / upright.width, view.height.toDouble() / upright.height)
    val across = ((xPx - view.width / 2.0) / (cover * upright.width) + 0.5).coerceIn(0.0, 1.0)
    val y = ((yPx - view.height / 2.0) / (cover * upright.height) + 0.5).coerceIn(0.0, 1.0)
    // A front camera's preview is a mirror.
    val x = if (isFront) 1 - across else across
    return when (uprightDegrees) {
        0 -> SensorPoint(x, y)
        90 -> SensorPoint(y, 1 - x)
        180 -> SensorPoint(1 - x, 1 - y)
        else -> SensorPoint(1 - y, x)
    }
}

/** The sizes that a camera offers for each stream. */
class StreamOffers(val previews: List<SizePx>, val analyses: List<SizePx>, val photos: List<SizePx>)

/**
 * Sizes of the streams of one session, all of the photo's proportions so that they show the same scene.
 *
 * Preview and analysis stay within 1920x1080 px and the display: what every Camera2 device can do together.
 *
 * @param workingPx The shorter side that the model's contract works at, in pixels; null takes 720.
 * @return Null where the camera lacks one kind of stream.
 */
fun chooseSizes(offers: StreamOffers, display: SizePx, workingPx: Int?, mostPhotoPx: Long): StreamSizes? {
    // A camera of 200 megapixels also offers a binned size: what the runtime refuses must not be asked for.
    val photo = offers.photos.filter { it.areaPx <= mostPhotoPx }.maxByOrNull(SizePx::areaPx) ?: return null
    val longest = minOf(1920, max(display.width, display.height))
    val shortest = minOf(1080, minOf(display.width, display.height))
    fun usable(sizes: List<SizePx>): List<SizePx> {
        val small = sizes.filter { max(it.width, it.height) <= longest && minOf(it.width, it.height) <= shortest }
        return small.filter { it.hasShapeOf(photo) }.ifEmpty { small }.ifEmpty { sizes.sortedBy(SizePx::areaPx).take(1) }
    }
    val preview = usable(offers.previews).maxByOrNull(SizePx::areaPx) ?: return null
    val candidates = usable(offers.analyses)
    val enough = candidates.filter { minOf(it.width, it.height) >= (workingPx ?: DEFAULT_WORKING_PX) }
    val analysis = enough.minByOrNull(SizePx::areaPx) ?: candidates.maxByOrNull(SizePx::areaPx) ?: return null
    return StreamSizes(preview, analysis, photo)
}

/** Sizes to try where a camera refused the chosen ones: preview and analysis within 640x480 px, the photo as it was. */
fun chooseSmallerSizes(offers: StreamOffers, chosen: StreamSizes, mostPhotoPx: Long): StreamSizes =
    chooseSizes(offers, SizePx(640, 480), SMALLER_WORKING_PX, mostPhotoPx) ?: chosen

private const val DEFAULT_WORKING_PX = 720
private const val SMALLER_WORKING_PX = 480
