package edgekit.capture

import android.annotation.SuppressLint
import android.content.Context
import android.graphics.ImageFormat
import android.graphics.Matrix
import android.graphics.Point
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
import android.hardware.display.DisplayManager
import android.media.Image
import android.media.ImageReader
import android.os.Handler
import android.os.HandlerThread
import android.os.Looper
import android.util.Size
import android.view.Display
import android.view.Surface
import android.view.TextureView
import edgekit.android.Planes
import edgekit.capture.core.CameraEvent
import edgekit.capture.core.CameraLife
import edgekit.capture.core.CameraOrder
import edgekit.capture.core.CameraPort
import edgekit.capture.core.Look
import edgekit.capture.core.SensorPoint
import edgekit.capture.core.SizePx
import edgekit.capture.core.StreamOffers
import edgekit.capture.core.StreamSizes
import edgekit.capture.core.Trouble
import edgekit.capture.core.chooseSizes
import edgekit.capture.core.chooseSmallerSizes
import edgekit.capture.core.previewMatrix
import edgekit.capture.core.sensorPoint
import edgekit.capture.core.uprightDegrees
import edgekit.runtime.Frame
import edgekit.runtime.Limits

/**
 * The only one who knows Camera2. Opens a camera with three streams: preview, frames to judge, and photos of full size.
 *
 * Calls come on the main thread, and events go there; the camera itself works on a thread of its own. What follows from
 * what is [CameraLife]'s.
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
    private val displays = context.getSystemService(DisplayManager::class.java)
    private val main = Handler(Looper.getMainLooper())
    private val thread = HandlerThread("edgekit-camera").apply { start() }
    private val handler = Handler(thread.looper)
    private val turned = Turned()
    private var preview: TextureView? = null
    private var now: Running? = null

    // On the camera's thread.
    private val alive = HashSet<Running>()
    private var isEnding = false

    init {
        displays.registerDisplayListener(turned, main)
    }

    /** Shows the picture in a view from now on; null lets the view go. A camera that was asked for opens with it. */
    fun attach(view: TextureView?) {
        preview?.surfaceTextureListener = null
        preview = view
        if (view == null) return
        view.surfaceTextureListener = Shown()
        now?.let { startIn(view, it) }
    }

    override fun open(front: Boolean, workingPx: Int?) {
        close()
        val running = try {
            choose(front, workingPx)
        } catch (failure: CameraAccessException) {
            return tell(null, CameraEvent.Failed(troubleOf(failure)))
        } catch (_: IllegalArgumentException) {
            // A camera that was listed and is gone, as those on a cable may be.
            return tell(null, CameraEvent.Failed(Trouble.DISCONNECTED))
        }
        now = running ?: return tell(null, CameraEvent.Absent)
        preview?.let { startIn(it, running) }
    }

    override fun close() {
        val old = now ?: return
        now = null
        handler.post { old.happens { close() } }
    }

    override fun shoot() {
        val running = now ?: return
        running.displayDegrees = displayDegrees()
        handler.post { running.happens { shoot() } }
    }

    override fun setTorch(on: Boolean) {
        val running = now ?: return
        handler.post { running.happens { torch(on) } }
    }

    override fun focusAt(xPx: Float, yPx: Float) {
        val running = now ?: return
        val view = preview ?: return
        if (!running.camera.canFocus) return
        val upright = running.camera.upright(displayDegrees())
        val size = SizePx(view.width, view.height)
        val point = sensorPoint(xPx, yPx, size, running.sizes.preview, upright, running.camera.isFront)
        handler.post { running.happens { focus(point) } }
    }

    /** Ends the camera's thread, when no device can come on it any more; the controller can't be used after it. */
    fun end() {
        close()
        attach(null)
        displays.unregisterDisplayListener(turned)
        handler.post {
            isEnding = true
            endIfDone()
        }
    }

    // A device that is given to a thread that ended would stay open, for all apps.
    private fun endIfDone() {
        if (isEnding && alive.isEmpty()) thread.quitSafely()
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
        val offers = StreamOffers(
            previews = sizes(map.getOutputSizes(SurfaceTexture::class.java)),
            analyses = sizes(map.getOutputSizes(ImageFormat.YUV_420_888)),
            photos = sizes(map.getOutputSizes(ImageFormat.JPEG)),
        )
        val most = Limits.MAX_PIXELS.toLong()
        val chosen = chooseSizes(offers, displaySize(), workingPx, most) ?: return null
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
            smaller = chooseSmallerSizes(offers, chosen, most),
        )
    }

    // What a camera can surely do together is bounded by the display, which on some phones is smaller than 1080p.
    @Suppress("DEPRECATION")
    private fun displaySize(): SizePx {
        val size = Point().also { displays.getDisplay(Display.DEFAULT_DISPLAY)?.getRealSize(it) }
        return if (size.x > 0 && size.y > 0) SizePx(size.x, size.y) else SizePx(LONGEST_PX, SHORTEST_PX)
    }

    private fun startIn(view: TextureView, running: Running) {
        shape(view, running)
        val texture = view.surfaceTexture ?: return
        running.displayDegrees = displayDegrees()
        handler.post {
            alive += running
            running.texture = texture
            running.happens { start() }
        }
    }

    private fun shape(view: TextureView, running: Running) {
        if (view.width == 0 || view.height == 0) return
        val sensor = running.camera.sensorDegrees
        val rows = previewMatrix(SizePx(view.width, view.height), running.sizes.preview, sensor, displayDegrees())
        view.setTransform(Matrix().apply { setValues(rows) })
    }

    private fun reshape() {
        val (view, running) = (preview ?: return) to (now ?: return)
        running.displayDegrees = displayDegrees()
        shape(view, running)
    }

    private inner class Shown : TextureView.SurfaceTextureListener {
        override fun onSurfaceTextureAvailable(texture: SurfaceTexture, width: Int, height: Int) {
            val view = preview ?: return
            now?.let { startIn(view, it) }
        }

        override fun onSurfaceTextureSizeChanged(texture: SurfaceTexture, width: Int, height: Int) = reshape()

        override fun onSurfaceTextureDestroyed(texture: SurfaceTexture): Boolean = true

        override fun onSurfaceTextureUpdated(texture: SurfaceTexture) = Unit
    }

    /** A phone that is turned upside down keeps its layout: only the display tells of it. */
    private inner class Turned : DisplayManager.DisplayListener {
        override fun onDisplayAdded(id: Int) = Unit

        override fun onDisplayRemoved(id: Int) = Unit

        override fun onDisplayChanged(id: Int) {
            if (preview?.display?.displayId == id) reshape()
        }
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
        val smaller: StreamSizes,
    ) {
        val isFront get() = lens == "front"
        val canFocus get() = active != null && focusRegions > 0 && CameraMetadata.CONTROL_AF_MODE_AUTO in focusModes

        fun upright(displayDegrees: Int) = uprightDegrees(sensorDegrees, displayDegrees, isFront)
    }

    /** A camera that is asked for, opened or in use. All of it on the camera's thread, but what is marked volatile. */
    private inner class Running(val camera: Camera, canSwitch: Boolean) {
        @Volatile
        var displayDegrees = 0

        @Volatile
        var sizes = camera.sizes
            private set
        var texture: SurfaceTexture? = null
        private val life = CameraLife(CameraEvent.Opened(camera.hasTorch, canSwitch, camera.isFront, camera.lens))
        private var device: CameraDevice? = null
        private var session: CameraCaptureSession? = null
        private var surface: Surface? = null
        private var photos: ImageReader? = null
        private var frames: FrameReader? = null

        /** Something happened: does what follows from it, and tells how that failed. */
        fun happens(what: CameraLife.() -> List<CameraOrder>) {
            for (order in life.what()) {
                val trouble = attempt { follow(order) } ?: continue
                happens { failed(trouble) }
                break
            }
            if (life.isOver && alive.remove(this)) endIfDone()
        }

        private fun attempt(work: () -> Unit): Trouble? = try {
            work()
            null
        } catch (failure: CameraAccessException) {
            troubleOf(failure)
        } catch (_: SecurityException) {
            Trouble.DISABLED
        } catch (_: IllegalStateException) {
            // Closed by the system in between.
            Trouble.DISCONNECTED
        } catch (_: IllegalArgumentException) {
            // Of a size or a mode that the camera has promised, and of an id that is gone.
            Trouble.BROKEN
        }

        // Asking is the activity's part: without the permission, opening throws.
        @SuppressLint("MissingPermission")
        private fun follow(order: CameraOrder) {
            when (order) {
                CameraOrder.Open -> manager.openCamera(camera.id, Opened(), handler)
                is CameraOrder.Connect -> connect(if (order.isReduced) camera.smaller else camera.sizes)
                CameraOrder.GiveBack -> device?.close()
                CameraOrder.Release -> release()
                is CameraOrder.Preview -> preview(order.look)
                is CameraOrder.Focus -> focus(order)
                is CameraOrder.Shoot -> shoot(order)
                is CameraOrder.Tell -> tell(this, order.event)
            }
        }

        // What takes its place came with API 28.
        @Suppress("DEPRECATION")
        private fun connect(chosen: StreamSizes) {
            val (opened, texture) = (device ?: return) to (texture ?: return)
            letStreamsGo()
            sizes = chosen
            main.post { if (now === this) reshape() }
            // Here and not before: a view sets its own size when it is laid out.
            texture.setDefaultBufferSize(chosen.preview.width, chosen.preview.height)
            val outputs = listOf(
                Surface(texture).also { surface = it },
                FrameReader(chosen.analysis, handler, ::frame).also { frames = it }.surface,
                photoReader(chosen.photo).also { photos = it }.surface,
            )
            opened.createCaptureSession(outputs, Connected(), handler)
        }

        private fun photoReader(size: SizePx) = ImageReader.newInstance(size.width, size.height, ImageFormat.JPEG, 2).also { reader ->
            reader.setOnImageAvailableListener({ shot(it.acquireNextImage()) }, handler)
        }

        private fun preview(look: Look) {
            val (device, session) = (device ?: return) to (session ?: return)
            session.setRepeatingRequest(previewRequest(device, look).build(), null, handler)
        }

        private fun focus(order: CameraOrder.Focus) {
            val (device, session) = (device ?: return) to (session ?: return)
            val request = previewRequest(device, order.look)
            session.setRepeatingRequest(request.build(), null, handler)
            request[CaptureRequest.CONTROL_AF_TRIGGER] = CameraMetadata.CONTROL_AF_TRIGGER_START
            session.capture(request.build(), null, handler)
            handler.postDelayed({ happens { focusEnds(order.number) } }, FOCUS_MS)
        }

        private fun shoot(order: CameraOrder.Shoot) {
            val (device, session, photos) = Triple(device ?: return, session ?: return, photos ?: return)
            val request = device.createCaptureRequest(CameraDevice.TEMPLATE_STILL_CAPTURE)
            request.addTarget(photos.surface)
            settle(request, order.look)
            request[CaptureRequest.JPEG_ORIENTATION] = camera.upright(displayDegrees)
            request[CaptureRequest.JPEG_QUALITY] = JPEG_QUALITY
            handler.postDelayed({ happens { late(order.number) } }, MOST_SHOT_MS)
            session.capture(request.build(), Shooting(order.number), handler)
        }

        private fun previewRequest(device: CameraDevice, look: Look): CaptureRequest.Builder {
            val request = device.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW)
            surface?.let(request::addTarget)
            frames?.let { request.addTarget(it.surface) }
            settle(request, look)
            return request
        }

        private fun settle(request: CaptureRequest.Builder, look: Look) {
            val (point, active) = look.focus to camera.active
            if (point != null && active != null) {
                val area = arrayOf(areaAt(point, active))
                request[CaptureRequest.CONTROL_AF_MODE] = CameraMetadata.CONTROL_AF_MODE_AUTO
                request[CaptureRequest.CONTROL_AF_REGIONS] = area
                if (camera.lightRegions > 0) request[CaptureRequest.CONTROL_AE_REGIONS] = area
            } else if (CameraMetadata.CONTROL_AF_MODE_CONTINUOUS_PICTURE in camera.focusModes) {
                request[CaptureRequest.CONTROL_AF_MODE] = CameraMetadata.CONTROL_AF_MODE_CONTINUOUS_PICTURE
            }
            if (camera.hasTorch && look.isTorchOn) request[CaptureRequest.FLASH_MODE] = CameraMetadata.FLASH_MODE_TORCH
        }

        private fun areaAt(point: SensorPoint, active: Rect): MeteringRectangle {
            val side = maxOf(1, minOf(active.width(), active.height()) / FOCUS_PART)
            val left = (point.x * active.width() - side / 2.0).toInt().coerceIn(0, active.width() - side)
            val top = (point.y * active.height() - side / 2.0).toInt().coerceIn(0, active.height() - side)
            return MeteringRectangle(left, top, side, side, MeteringRectangle.METERING_WEIGHT_MAX)
        }

        private fun frame(image: Image, release: () -> Unit) {
            val rotation = camera.upright(displayDegrees)
            offer({ Planes.frame(image, rotation) }, release)
        }

        private fun shot(image: Image?) {
            val atNs = image?.timestamp
            val jpeg = try {
                image?.use { one -> one.planes[0].buffer.let { ByteArray(it.remaining()).also(it::get) } }
            } catch (_: OutOfMemoryError) {
                null
            }
            happens { photo(jpeg, atNs) }
        }

        private fun release() {
            session?.close()
            device?.close()
            letStreamsGo()
        }

        private fun letStreamsGo() {
            frames?.close()
            photos?.close()
            surface?.release()
            frames = null
            photos = null
            surface = null
        }

        private inner class Opened : CameraDevice.StateCallback() {
            override fun onOpened(opened: CameraDevice) {
                device = opened
                happens { opened() }
            }

            override fun onDisconnected(opened: CameraDevice) = gone(opened, Trouble.DISCONNECTED)

            override fun onError(opened: CameraDevice, error: Int) = gone(opened, troubleOf(error))

            private fun gone(opened: CameraDevice, trouble: Trouble) {
                device = opened
                happens { failed(trouble) }
            }
        }

        private inner class Connected : CameraCaptureSession.StateCallback() {
            override fun onConfigured(connected: CameraCaptureSession) {
                session = connected
                happens { connected() }
            }

            override fun onConfigureFailed(connected: CameraCaptureSession) = happens { refused() }
        }

        private inner class Shooting(private val number: Int) : CameraCaptureSession.CaptureCallback() {
            override fun onCaptureStarted(session: CameraCaptureSession, request: CaptureRequest, timestamp: Long, frameNumber: Long) =
                happens { exposed(number, timestamp) }

            override fun onCaptureFailed(session: CameraCaptureSession, request: CaptureRequest, failure: CaptureFailure) =
                happens { missed(number) }
        }
    }

    private companion object {
        const val JPEG_QUALITY: Byte = 95
        const val MOST_SHOT_MS = 10_000L
        const val FOCUS_MS = 5_000L
        const val FOCUS_PART = 8

        // Of a display that does not tell its size.
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
