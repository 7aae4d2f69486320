package edgekit.android

import android.graphics.ImageFormat
import android.media.Image
import edgekit.runtime.EdgekitException
import edgekit.runtime.Frame
import edgekit.runtime.PhotoException
import edgekit.runtime.Plane
import edgekit.runtime.SizeWh

/** A camera's images as the runtime's frames. */
public object Planes {
    /**
     * A frame on the very memory of an image: nothing is copied, so classify it before the image is closed.
     *
     * @param image of format YUV_420_888, as ImageReader and CameraX' ImageAnalysis give it
     * @param rotation clockwise degrees that make the picture upright: 0, 90, 180 or 270 (CameraX: `rotationDegrees`)
     * @throws PhotoException another format, another rotation, a closed image, or planes too small for their size
     */
    @JvmStatic
    @JvmOverloads
    @Throws(EdgekitException::class)
    public fun frame(image: Image, rotation: Int = 0): Frame {
        try {
            if (image.format != ImageFormat.YUV_420_888) {
                throw PhotoException(
                    "a camera image must have the format YUV_420_888 (${ImageFormat.YUV_420_888}), got ${image.format}; " +
                        "ask the ImageReader for it",
                )
            }
            val (y, u, v) = image.planes.map { planeOf(it) }
            return Frame(SizeWh(image.width, image.height), y, u, v, rotation)
        } catch (closed: IllegalStateException) {
            throw PhotoException("a camera image must be open while it is classified: ${closed.message}", closed)
        }
    }

    private fun planeOf(plane: Image.Plane): Plane = Plane(plane.buffer, plane.rowStride, plane.pixelStride)
}
