package edgekit.runtime.regions

import edgekit.runtime.CHANNELS
import edgekit.runtime.DetectorModel
import edgekit.runtime.Limits
import edgekit.runtime.ModelException
import edgekit.runtime.Photo
import edgekit.runtime.PhotoException
import edgekit.runtime.Region
import edgekit.runtime.RegionPlan
import java.io.Closeable

/** Finds the regions of a photo: letterbox, [model], boxes, squares. Calls from several threads take turns. */
internal class Detector(private val model: DetectorModel, val plan: RegionPlan) : Closeable {
    private val grid = AnchorGrid.of(plan.detector)

    // Kept, as a frame of a camera is looked at many times a second.
    private val tensor = FloatArray(grid.sidePx * grid.sidePx * CHANNELS)

    /**
     * The regions of a photo, the surest first; none where there are none.
     *
     * @param photo the whole photo at its own size
     * @throws PhotoException less than 8x8 pixels, or not at its own size
     * @throws ModelException the interpreter failed
     */
    fun find(photo: Photo): List<Region> {
        if (photo.shrink != 1) {
            throw PhotoException("regions must be looked for in a photo of its own size, got one of 1/${photo.shrink}")
        }
        val least = Limits.MIN_SIDE_PX
        if (minOf(photo.size.widthPx, photo.size.heightPx) < least) {
            throw PhotoException("a photo must be at least ${least}x$least px, got ${photo.size}")
        }
        val frame = Letterbox.of(photo.size, grid.sidePx)
        return detect(frame.pixels(photo)).mapNotNull { one ->
            regionOf(frame.toPhoto(one.places), one.score, photo.size, plan)
        }
    }

    @Synchronized
    private fun detect(pixels: ByteArray): List<Detection> {
        // Bytes to -1 … 1, as MediaPipe trained its detectors.
        for (at in tensor.indices) tensor[at] = ((pixels[at].toInt() and 0xFF) - 127.5f) / 127.5f
        val (rows, logits) = model.detect(tensor)
        if (rows.size != grid.count * ROW || logits.size != grid.count) {
            throw ModelException(
                "${model.engine} gives the detector's outputs other sizes than its file says: ${rows.size} and ${logits.size}",
            )
        }
        return suppress(decodeRows(rows, logits, grid, plan.leastScore), plan.iou, plan.most)
    }

    @Synchronized
    override fun close() = model.close()
}
