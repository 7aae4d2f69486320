package edgekit.capture.core

/** What the camera tells, on the main thread. */
sealed interface CameraEvent {
    /** The preview runs. */
    data class Opened(val hasTorch: Boolean, val canSwitch: Boolean, val isFront: Boolean, val lens: String) : CameraEvent

    /** It could not be opened, or stopped by itself. */
    data class Failed(val trouble: Trouble) : CameraEvent

    /** There is none. */
    data object Absent : CameraEvent

    /** A JPEG of full size, as the camera gave it. */
    class Photo(val jpeg: ByteArray) : CameraEvent

    /** The camera gave no photo. */
    data object ShotFailed : CameraEvent
}

/** What is asked of the camera. What comes of it comes as a [CameraEvent]; asking twice, or of a closed one, does nothing. */
interface CameraPort {
    /** @param workingPx The shorter side that the model works at, in pixels; null leaves the choice. */
    fun open(front: Boolean, workingPx: Int?)

    fun close()

    fun shoot()

    fun setTorch(on: Boolean)

    /** Focuses on a touch of the preview, in the view's pixels. */
    fun focusAt(xPx: Float, yPx: Float)
}

/** Work away from the main thread, one piece after another. */
interface Jobs {
    /** Does the work, then tells the main thread what came of it. */
    fun <T> run(work: () -> T, done: (Result<T>) -> Unit)

    /** Runs something on the main thread, after a number of milliseconds. */
    fun post(delayMs: Long = 0, action: () -> Unit)
}
