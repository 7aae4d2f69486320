package edgekit.capture

import android.annotation.SuppressLint
import android.content.Context
import android.graphics.ImageFormat
import android.graphics.Matrix
import android.graphics.Rect
import android.graphics.SurfaceTexture
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.hardware.camera2.CameraMetadata
import android.hardware.camera2.CaptureFailure
import android.hardware.camera2.CaptureRequest
import android.hardware.camera2.params.MeteringRectangle
import android.media.Image
import android.media.ImageReader
import android.os.Handler
import android.os.HandlerThread
import android.os.Looper
import android.util.Size
import android.view.Surface
import android.view.TextureView
import edgekit.android.Planes
import edgekit.capture.core.CameraEvent
import edgekit.capture.core.CameraPort
import edgekit.capture.core.SizePx
import edgekit.capture.core.StreamSizes
import edgekit.capture.core.Trouble
import edgekit.capture.core.chooseSizes
import edgekit.capture.core.previewMatrix
import edgekit.capture.core.sensorPoint
import edgekit.capture.core.uprightDegrees
import edgekit.runtime.Frame
import edgekit.runtime.Limits

/**
 * The only one who knows Camera2. Opens a camera with three streams: preview, frames to judge, and photos of full size.
 *
 * Calls come on the main thread, and events go there; the camera itself works on a thread of its own.
 *
 * @param told Told what happens.
 * @param offer Offered each frame on the camera's thread: what makes it, and what gives its buffers back.
 */
class CameraController(
    context: Context,
    private val told: (CameraEvent) -> Unit,
    private val offer: (() -> Frame, () -> Unit) -> Boolean,
) : CameraPort {
    private val manager = context.getSystemService(CameraManager::class.java)
    private val main = Handler(Looper.getMainLooper())
    private val thread = HandlerThread("edgekit-camera").apply { start() }
    private val handler = Handler(thread.looper)
    private var preview: TextureView? = null
    private var now: Running? = null

    /** Shows the picture in a view from now on; null lets the view go. A camera that was asked for opens with it. */
    fun attach(view: TextureView?) {
        preview?.surfaceTextureListener = null
        preview = view ?: return
        view.surfaceTextureListener = Shown()
        now?.let { startIn(view, it) }
    }

    override fun open(front: Boolean, workingPx: Int?) {
        close()
        val running = try {
            choose(front, workingPx)
        } catch (failure: CameraAccessException) {
            return tell(null, CameraEvent.Failed(troubleOf(failure)))
        }
        now = running ?: return tell(null, CameraEvent.Absent)
        preview?.let { startIn(it, running) }
    }

    override fun close() {
        val old = now ?: return
        now = null
        handler.post(old::close)
    }

    override fun shoot() {
        val running = now ?: return
        handler.post { running.attempt { shoot() } }
        main.postDelayed({ running.late() }, MOST_SHOT_MS)
    }

    override fun setTorch(on: Boolean) {
        val running = now ?: return
        handler.post { running.attempt { torch(on) } }
    }

    override fun focusAt(xPx: Float, yPx: Float) {
        val running = now ?: return
        val view = preview ?: return
        val upright = running.camera.upright(displayDegrees())
        val size = SizePx(view.width, view.height)
        val point = sensorPoint(xPx, yPx, size, running.camera.sizes.preview, upright, running.camera.isFront)
        handler.post { running.attempt { focus(point.x, point.y) } }
    }

    /** Ends the camera's thread; the controller can't be used after it. */
    fun end() {
        close()
        attach(null)
        thread.quitSafely()
    }

    private fun tell(from: Running?, event: CameraEvent) {
        // What an old session still has to say is of no interest.
        main.post { if (from === now || from == null) told(event) }
    }

    private fun displayDegrees(): Int = 90 * (preview?.display?.rotation ?: Surface.ROTATION_0)

    private fun choose(front: Boolean, workingPx: Int?): Running? {
        val cameras = manager.cameraIdList.mapNotNull { id -> cameraOf(id, manager.getCameraCharacteristics(id), workingPx) }
        val wanted = if (front) "front" else "back"
        val camera = cameras.find { it.lens == wanted } ?: cameras.firstOrNull() ?: return null
        return Running(camera, canSwitch = cameras.map { it.lens }.containsAll(listOf("back", "front")))
    }

    private fun cameraOf(id: String, traits: CameraCharacteristics, workingPx: Int?): Camera? {
        val map = traits[CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP] ?: return null
        fun sizes(found: Array<Size>?) = found.orEmpty().map { SizePx(it.width, it.height) }
        val chosen = chooseSizes(
            previews = sizes(map.getOutputSizes(SurfaceTexture::class.java)),
            analyses = sizes(map.getOutputSizes(ImageFormat.YUV_420_888)),
            photos = sizes(map.getOutputSizes(ImageFormat.JPEG)),
            display = SizePx(LONGEST_PX, SHORTEST_PX),
            workingPx = workingPx,
            mostPhotoPx = Limits.MAX_PIXELS.toLong(),
        ) ?: return null
        return Camera(
            id = id,
            lens = when (traits[CameraCharacteristics.LENS_FACING]) {
                CameraMetadata.LENS_FACING_FRONT -> "front"
                CameraMetadata.LENS_FACING_BACK -> "back"
                else -> "external"
            },
            sensorDegrees = traits[CameraCharacteristics.SENSOR_ORIENTATION] ?: 0,
            hasTorch = traits[CameraCharacteristics.FLASH_INFO_AVAILABLE] == true,
            focusRegions = traits[CameraCharacteristics.CONTROL_MAX_REGIONS_AF] ?: 0,
            lightRegions = traits[CameraCharacteristics.CONTROL_MAX_REGIONS_AE] ?: 0,
            active = traits[CameraCharacteristics.SENSOR_INFO_ACTIVE_ARRAY_SIZE],
            focusModes = traits[CameraCharacteristics.CONTROL_AF_AVAILABLE_MODES]?.toSet().orEmpty(),
            sizes = chosen,
        )
    }

    private fun startIn(view: TextureView, running: Running) {
        shape(view, running.camera)
        val texture = view.surfaceTexture ?: return
        texture.setDefaultBufferSize(running.camera.sizes.preview.width, running.camera.sizes.preview.height)
        running.displayDegrees = displayDegrees()
        handler.post { running.attempt { start(texture) } }
    }

    private fun shape(view: TextureView, camera: Camera) {
        if (view.width == 0 || view.height == 0) return
        val rows = previewMatrix(SizePx(view.width, view.height), camera.sizes.preview, camera.sensorDegrees, displayDegrees())
        view.setTransform(Matrix().apply { setValues(rows) })
    }

    private inner class Shown : TextureView.SurfaceTextureListener {
        override fun onSurfaceTextureAvailable(texture: SurfaceTexture, width: Int, height: Int) {
            val view = preview ?: return
            now?.let { startIn(view, it) }
        }

        override fun onSurfaceTextureSizeChanged(texture: SurfaceTexture, width: Int, height: Int) {
            val (view, running) = (preview ?: return) to (now ?: return)
            running.displayDegrees = displayDegrees()
            shape(view, running.camera)
        }

        override fun onSurfaceTextureDestroyed(texture: SurfaceTexture): Boolean = true

        override fun onSurfaceTextureUpdated(texture: SurfaceTexture) = Unit
    }

    /** What is known of a camera before it is opened. */
    private class Camera(
        val id: String,
        val lens: String,
        val sensorDegrees: Int,
        val hasTorch: Boolean,
        val focusRegions: Int,
        val lightRegions: Int,
        val active: Rect?,
        val focusModes: Set<Int>,
        val sizes: StreamSizes,
    ) {
        val isFront get() = lens == "front"

        fun upright(displayDegrees: Int) = uprightDegrees(sensorDegrees, displayDegrees, isFront)
    }

    /** A camera that is asked for, opened or in use. All but [late] on the camera's thread. */
    private inner class Running(val camera: Camera, private val canSwitch: Boolean) {
        @Volatile
        var displayDegrees = 0
        private var device: CameraDevice? = null
        private var session: CameraCaptureSession? = null
        private var surface: Surface? = null
        private var photos: ImageReader? = null
        private var frames: FrameReader? = null
        private var isTorchOn = false
        private var isStarted = false
        private var isClosed = false

        @Volatile
        private var isShooting = false

        // Asking is the activity's part: without the permission, opening throws.
        @SuppressLint("MissingPermission")
        fun start(texture: SurfaceTexture) {
            if (isClosed || isStarted) return
            isStarted = true
            val (analysis, photo) = camera.sizes.analysis to camera.sizes.photo
            surface = Surface(texture)
            frames = FrameReader(analysis, handler, ::frame)
            photos = ImageReader.newInstance(photo.width, photo.height, ImageFormat.JPEG, 2).also { reader ->
                reader.setOnImageAvailableListener({ shot(it.acquireNextImage()) }, handler)
            }
            manager.openCamera(camera.id, Opened(), handler)
        }

        /** Does something with the camera, and tells how it failed. */
        fun attempt(work: Running.() -> Unit) {
            try {
                if (!isClosed) work()
            } catch (failure: CameraAccessException) {
                fail(troubleOf(failure))
            } catch (_: SecurityException) {
                fail(Trouble.DISABLED)
            } catch (_: IllegalStateException) {
                // Closed by the system in between.
                fail(Trouble.DISCONNECTED)
            } catch (_: IllegalArgumentException) {
                // Of a size or a mode that the camera has promised, and of an id that is gone.
                fail(Trouble.BROKEN)
            }
        }

        fun shoot() {
            val (device, session, photos) = Triple(device ?: return, session ?: return, photos ?: return)
            isShooting = true
            val request = device.createCaptureRequest(CameraDevice.TEMPLATE_STILL_CAPTURE)
            request.addTarget(photos.surface)
            settle(request)
            request[CaptureRequest.JPEG_ORIENTATION] = camera.upright(displayDegrees)
            request[CaptureRequest.JPEG_QUALITY] = JPEG_QUALITY
            session.capture(request.build(), Shooting(), handler)
        }

        fun torch(on: Boolean) {
            isTorchOn = on
            repeat()
        }

        fun focus(x: Double, y: Double) {
            val (device, session) = (device ?: return) to (session ?: return)
            val active = camera.active ?: return
            if (camera.focusRegions == 0 || CameraMetadata.CONTROL_AF_MODE_AUTO !in camera.focusModes) return
            val area = arrayOf(areaAt(x, y, active))
            val request = previewRequest(device)
            request[CaptureRequest.CONTROL_AF_MODE] = CameraMetadata.CONTROL_AF_MODE_AUTO
            request[CaptureRequest.CONTROL_AF_REGIONS] = area
            if (camera.lightRegions > 0) request[CaptureRequest.CONTROL_AE_REGIONS] = area
            session.setRepeatingRequest(request.build(), null, handler)
            request[CaptureRequest.CONTROL_AF_TRIGGER] = CameraMetadata.CONTROL_AF_TRIGGER_START
            session.capture(request.build(), null, handler)
            // The scene changes: after a while the camera follows it by itself again.
            handler.postDelayed({ attempt { repeat() } }, FOCUS_MS)
        }

        /** The photo did not come in time. */
        fun late() {
            if (isShooting) missed()
        }

        fun close() {
            isClosed = true
            session?.close()
            device?.close()
            frames?.close()
            photos?.close()
            surface?.release()
        }

        private fun repeat() {
            val (device, session) = (device ?: return) to (session ?: return)
            session.setRepeatingRequest(previewRequest(device).build(), null, handler)
        }

        private fun previewRequest(device: CameraDevice): CaptureRequest.Builder {
            val request = device.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW)
            surface?.let(request::addTarget)
            frames?.let { request.addTarget(it.surface) }
            settle(request)
            return request
        }

        private fun settle(request: CaptureRequest.Builder) {
            if (CameraMetadata.CONTROL_AF_MODE_CONTINUOUS_PICTURE in camera.focusModes) {
                request[CaptureRequest.CONTROL_AF_MODE] = CameraMetadata.CONTROL_AF_MODE_CONTINUOUS_PICTURE
            }
            if (camera.hasTorch && isTorchOn) request[CaptureRequest.FLASH_MODE] = CameraMetadata.FLASH_MODE_TORCH
        }

        private fun areaAt(x: Double, y: Double, active: Rect): MeteringRectangle {
            val side = maxOf(1, minOf(active.width(), active.height()) / FOCUS_PART)
            val left = (x * active.width() - side / 2.0).toInt().coerceIn(0, active.width() - side)
            val top = (y * active.height() - side / 2.0).toInt().coerceIn(0, active.height() - side)
            return MeteringRectangle(left, top, side, side, MeteringRectangle.METERING_WEIGHT_MAX)
        }

        private fun frame(image: Image, release: () -> Unit) {
            val rotation = camera.upright(displayDegrees)
            offer({ Planes.frame(image, rotation) }, release)
        }

        private fun shot(image: Image?) {
            val jpeg = image?.use { one -> one.planes[0].buffer.let { ByteArray(it.remaining()).also(it::get) } }
            if (!isShooting) return
            isShooting = false
            tell(this, if (jpeg == null) CameraEvent.ShotFailed else CameraEvent.Photo(jpeg))
        }

        private fun missed() {
            isShooting = false
            tell(this, CameraEvent.ShotFailed)
        }

        private fun fail(trouble: Trouble) {
            if (!isClosed) tell(this, CameraEvent.Failed(trouble))
        }

        private inner class Opened : CameraDevice.StateCallback() {
            override fun onOpened(opened: CameraDevice) {
                if (isClosed) return opened.close()
                device = opened
                attempt { connect(opened) }
            }

            override fun onDisconnected(opened: CameraDevice) {
                opened.close()
                fail(Trouble.DISCONNECTED)
            }

            override fun onError(opened: CameraDevice, error: Int) {
                opened.close()
                fail(troubleOf(error))
            }
        }

        // What takes its place came with API 28.
        @Suppress("DEPRECATION")
        private fun connect(opened: CameraDevice) {
            val outputs = listOfNotNull(surface, frames?.surface, photos?.surface)
            opened.createCaptureSession(outputs, Connected(), handler)
        }

        private inner class Connected : CameraCaptureSession.StateCallback() {
            override fun onConfigured(connected: CameraCaptureSession) {
                if (isClosed) return connected.close()
                session = connected
                attempt {
                    repeat()
                    tell(this, CameraEvent.Opened(camera.hasTorch, canSwitch, camera.isFront, camera.lens))
                }
            }

            override fun onConfigureFailed(connected: CameraCaptureSession) = fail(Trouble.BROKEN)
        }

        private inner class Shooting : CameraCaptureSession.CaptureCallback() {
            override fun onCaptureFailed(session: CameraCaptureSession, request: CaptureRequest, failure: CaptureFailure) = missed()
        }
    }

    private companion object {
        const val JPEG_QUALITY: Byte = 95
        const val MOST_SHOT_MS = 10_000L
        const val FOCUS_MS = 5_000L
        const val FOCUS_PART = 8

        // What every camera can give together with photos of full size.
        const val LONGEST_PX = 1920
        const val SHORTEST_PX = 1080
    }
}

/** What a camera that can't be reached is told as. */
internal fun troubleOf(failure: CameraAccessException): Trouble = when (failure.reason) {
    CameraAccessException.CAMERA_IN_USE, CameraAccessException.MAX_CAMERAS_IN_USE -> Trouble.IN_USE
    CameraAccessException.CAMERA_DISABLED -> Trouble.DISABLED
    CameraAccessException.CAMERA_DISCONNECTED -> Trouble.DISCONNECTED
    else -> Trouble.BROKEN
}

/** What an error of an opened camera is told as. */
internal fun troubleOf(error: Int): Trouble = when (error) {
    CameraDevice.StateCallback.ERROR_CAMERA_IN_USE, CameraDevice.StateCallback.ERROR_MAX_CAMERAS_IN_USE -> Trouble.IN_USE
    CameraDevice.StateCallback.ERROR_CAMERA_DISABLED -> Trouble.DISABLED
    else -> Trouble.BROKEN
}

/** Frames of a camera, the newest alone. Its buffers live until the last frame that was handed out came back. */
internal class FrameReader(size: SizePx, handler: Handler, private val frame: (Image, () -> Unit) -> Unit) {
    // One is judged, one is the newest, and one is being filled.
    private val reader = ImageReader.newInstance(size.width, size.height, ImageFormat.YUV_420_888, 3)
    private var out = 0
    private var isClosing = false

    val surface: Surface get() = reader.surface

    init {
        reader.setOnImageAvailableListener({ take() }, handler)
    }

    private fun take() {
        val image = synchronized(this) {
            if (isClosing) return
            (reader.acquireLatestImage() ?: return).also { out++ }
        }
        frame(image) { giveBack(image) }
    }

    @Synchronized
    private fun giveBack(image: Image) {
        image.close()
        out--
        if (isClosing && out == 0) reader.close()
    }

    /** Closes it, now or when the frame that is out comes back: its memory is read without a check. */
    @Synchronized
    fun close() {
        if (isClosing) return
        isClosing = true
        reader.setOnImageAvailableListener(null, null)
        if (out == 0) reader.close()
    }
}
