package edgekit.capture

import android.app.Activity
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Canvas
import android.graphics.ImageFormat
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraManager
import android.hardware.camera2.CameraMetadata
import android.os.Looper
import android.util.Size
import android.view.View
import android.view.ViewGroup
import android.widget.FrameLayout
import android.widget.ImageView
import android.widget.TextView
import edgekit.capture.core.CameraEvent
import edgekit.capture.core.DEMO
import edgekit.capture.core.Jobs
import edgekit.capture.core.ScriptedScorer
import edgekit.capture.core.Scorer
import edgekit.capture.core.Scorers
import edgekit.capture.core.verdict
import edgekit.runtime.Verdict
import java.io.File
import java.util.ArrayDeque
import java.util.concurrent.Executor
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.shadows.ShadowCameraCharacteristics
import org.robolectric.shadows.StreamConfigurationMapBuilder

/** Does its work at once, or not before it is let go on. */
class StepJobs : Jobs, Executor {
    private val waiting = ArrayDeque<() -> Unit>()
    var isHeld = false

    override fun <T> run(work: () -> T, done: (Result<T>) -> Unit) = later { done(runCatching(work)) }

    override fun post(delayMs: Long, action: () -> Unit) {
        if (delayMs == 0L) later(action)
    }

    override fun execute(command: Runnable) = later(command::run)

    private fun later(action: () -> Unit) {
        waiting += action
        if (waiting.size == 1 && !isHeld) go()
    }

    /** Does all that waits; what comes of it, too. */
    fun go() {
        while (waiting.isNotEmpty()) {
            waiting.peek()!!()
            waiting.poll()
        }
    }
}

/** The app with scripted models, and with work that tests can hold. The real model has tests of its own. */
class TestApp : CaptureApp() {
    override val jobs = StepJobs()
    override val uploads = StepJobs()
    override val liveWorker = StepJobs()
    var answer: () -> Verdict = { verdict(0.04, crops = 10, ms = 38.0) }
    var load: (String) -> Scorer = { delegate ->
        ScriptedScorer(DEMO, 2, edgekit.capture.core.Engine("tflite 2.16.1", if (delegate == "gpu") "gpu" else "not told")) { answer() }
    }
    override val scorers = Scorers { _, _, delegate -> load(delegate) }
}

internal val app: TestApp get() = RuntimeEnvironment.getApplication() as TestApp
internal val CaptureActivity.presenter get() = session.presenter

/** What the camera tells of itself when it opens. */
internal val OPENED = CameraEvent.Opened(hasTorch = true, canSwitch = true, isFront = false, lens = "back")

internal fun grant(vararg permissions: String = arrayOf(android.Manifest.permission.CAMERA)) =
    shadowOf(RuntimeEnvironment.getApplication()).grantPermissions(*permissions)

internal fun idle() = shadowOf(Looper.getMainLooper()).idle()

internal fun launch(): ActivityController<CaptureActivity> =
    Robolectric.buildActivity(CaptureActivity::class.java).also { launched = it }.setup()

/** What moves the activity that was launched last through its life. */
internal lateinit var launched: ActivityController<CaptureActivity>
    private set

/** An activity whose camera has opened. */
internal fun launchLive(): CaptureActivity {
    grant()
    return launch().get().also { idle(); it.presenter.onCamera(OPENED) }
}

/** A camera as Camera2 describes it. */
internal fun addCamera(facing: Int = CameraMetadata.LENS_FACING_BACK, id: String = "0") {
    val traits = ShadowCameraCharacteristics.newCameraCharacteristics()
    val map = StreamConfigurationMapBuilder.newBuilder()
    for ((width, height) in listOf(4000 to 3000, 1440 to 1080, 1280 to 960)) {
        for (format in listOf(BLOB, ImageFormat.YUV_420_888, ImageFormat.PRIVATE)) map.addOutputSize(format, Size(width, height))
    }
    shadowOf(traits).set(CameraCharacteristics.LENS_FACING, facing)
    shadowOf(traits).set(CameraCharacteristics.SENSOR_ORIENTATION, 90)
    shadowOf(traits).set(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP, map.build())
    shadowOf(RuntimeEnvironment.getApplication().getSystemService(CameraManager::class.java)).addCamera(id, traits)
}

// As cameras name JPEG themselves.
private const val BLOB = 0x21

internal fun asset(name: String): ByteArray = RuntimeEnvironment.getApplication().assets.open(name).use { it.readBytes() }

internal fun CaptureActivity.words(id: Int): String = findViewById<TextView>(id).text.toString()

internal fun CaptureActivity.isSeen(id: Int): Boolean {
    val view: View? = findViewById(id)
    return view != null && view.isShown
}

/** Every text that is seen. */
internal fun texts(view: View): List<String> = when {
    view.visibility != View.VISIBLE -> emptyList()
    view is ViewGroup -> (0 until view.childCount).flatMap { texts(view.getChildAt(it)) }
    view is TextView -> listOf(view.text.toString())
    else -> emptyList()
}

/** Every view that is seen. */
internal fun views(view: View): List<View> = when {
    view.visibility != View.VISIBLE -> emptyList()
    view is ViewGroup -> listOf(view) + (0 until view.childCount).flatMap { views(view.getChildAt(it)) }
    else -> listOf(view)
}

/** What the camera would show: a still below the panels, as no camera draws here. */
internal fun CaptureActivity.putScene(name: String = "bench/genuine-print-magazine_0001.jpg") {
    val still = ImageView(this)
    still.scaleType = ImageView.ScaleType.CENTER_CROP
    val bytes = asset(name)
    still.setImageBitmap(BitmapFactory.decodeByteArray(bytes, 0, bytes.size))
    findViewById<FrameLayout>(R.id.preview_frame).addView(still, 1)
}

/** Draws the window as it is now into target/screenshots. */
internal fun Activity.screenshot(name: String): Bitmap {
    (application as CaptureApp).pictures.await()
    idle()
    val view = window.decorView
    // A list lays out its rows when it is laid out itself.
    view.measure(
        View.MeasureSpec.makeMeasureSpec(view.width, View.MeasureSpec.EXACTLY),
        View.MeasureSpec.makeMeasureSpec(view.height, View.MeasureSpec.EXACTLY),
    )
    view.layout(0, 0, view.width, view.height)
    app.pictures.await()
    idle()
    val bitmap = Bitmap.createBitmap(view.width, view.height, Bitmap.Config.ARGB_8888)
    val canvas = Canvas(bitmap)
    canvas.drawColor(getColor(R.color.background))
    view.draw(canvas)
    val folder = File(checkNotNull(System.getProperty("edgekit.screenshots")) { "the build must say where screenshots go" })
    folder.mkdirs()
    File(folder, "$name.png").outputStream().use { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }
    return bitmap
}


