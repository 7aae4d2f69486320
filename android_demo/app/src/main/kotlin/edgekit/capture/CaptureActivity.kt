package edgekit.capture

import android.Manifest
import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import android.os.Build
import android.os.Bundle
import android.os.SystemClock
import android.provider.DocumentsContract
import android.provider.MediaStore
import android.provider.OpenableColumns
import android.provider.Settings
import android.view.View
import android.view.WindowInsetsController
import android.view.WindowManager
import android.widget.Toast
import edgekit.android.foreign
import edgekit.capture.core.CapturePresenter
import edgekit.capture.core.Parts
import edgekit.capture.core.Permission
import edgekit.capture.core.UiState
import edgekit.capture.core.reasonOf
import java.io.File
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream

/** Presenter and camera, which stay while the phone is turned. */
internal class Session(app: CaptureApp) {
    val camera: CameraController = CameraController(app, { presenter.onCamera(it) }, { frame, release -> presenter.offerFrame(frame, release) })
    val presenter: CapturePresenter = CapturePresenter(
        Parts(
            camera = camera,
            jobs = app.jobs,
            uploads = app.uploads,
            store = app.store,
            shelf = app.shelf,
            scorers = app.scorers,
            stored = app.stored,
            queue = app.queue,
            benchPhotos = app::benchPhotos,
            benchDevice = Phone(app),
            identity = app.identity,
            exports = app.exports,
            liveWorker = app.liveWorker,
            nowMs = System::currentTimeMillis,
            nowS = { SystemClock.elapsedRealtimeNanos() / 1e9 },
            recovered = app.recovered,
        ),
    )

    /** Whether the system's answer to the last question was that it asks no more. */
    var isDeniedForEver = false

    fun close() {
        presenter.close()
        camera.end()
    }
}

/** Renders the presenter's state, and asks other apps and the system on its behalf. */
class CaptureActivity : Activity(), Outside {
    private val app get() = application as CaptureApp
    internal lateinit var session: Session
        private set
    private lateinit var stage: Stage
    private lateinit var camera: CameraScreen
    private lateinit var message: MessageScreen
    private lateinit var retake: RetakeScreen
    private lateinit var shown: ShownScreen
    private lateinit var history: HistoryScreen
    private lateinit var detail: DetailScreen
    private lateinit var bench: BenchScreen
    private lateinit var settings: SettingsScreen
    private val presenter get() = session.presenter

    // What is to be written where the person says; the process may end while another app asks where.
    private var saving: File? = null
    private var isAwake = false

    override fun onCreate(saved: Bundle?) {
        super.onCreate(saved)
        saving = saved?.getString(SAVING)?.let(::File)
        session = lastNonConfigurationInstance as Session? ?: Session(app)
        setContentView(R.layout.capture)
        stage = Stage(findViewById(R.id.root), presenter, this, app.pictures)
        camera = CameraScreen(stage)
        message = MessageScreen(stage)
        retake = RetakeScreen(stage)
        shown = ShownScreen(stage)
        history = HistoryScreen(stage)
        detail = DetailScreen(stage)
        bench = BenchScreen(stage)
        settings = SettingsScreen(stage)
        drawBehindBars()
        session.camera.attach(camera.preview)
        presenter.attach(::render)
    }

    override fun onResume() {
        super.onResume()
        presenter.resume(permission())
    }

    override fun onPause() {
        presenter.pause()
        super.onPause()
    }

    override fun onDestroy() {
        presenter.detach()
        session.camera.attach(null)
        if (!isChangingConfigurations) session.close()
        super.onDestroy()
    }

    override fun onRetainNonConfigurationInstance(): Any = session

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        saving?.let { state.putString(SAVING, it.path) }
    }

    // Its successor is no part of the oldest Android that the app runs on.
    @Deprecated("Deprecated in Java")
    @Suppress("DEPRECATION")
    override fun onBackPressed() {
        if (!presenter.onBack()) super.onBackPressed()
    }

    override fun onRequestPermissionsResult(code: Int, permissions: Array<String>, results: IntArray) {
        super.onRequestPermissionsResult(code, permissions, results)
        // A dialog that was interrupted has no result, and is no answer.
        if (results.isEmpty()) return
        // Before a question and after "only this time", the system says the same as when it asks no more.
        session.isDeniedForEver = !isGranted() && !shouldShowRequestPermissionRationale(Manifest.permission.CAMERA)
        presenter.onPermission(permission())
    }

    override fun onActivityResult(code: Int, result: Int, data: Intent?) {
        super.onActivityResult(code, result, data)
        val uri = data?.data.takeIf { result == RESULT_OK } ?: return
        when (code) {
            PICK_PHOTO -> presenter.onGallery { open(uri) }
            PICK_MODEL -> presenter.onModelPicked({ nameOf(uri) }) { open(uri) }
            SAVE -> write(saving, uri).also { saving = null }
        }
    }

    override fun askPermission() = requestPermissions(arrayOf(Manifest.permission.CAMERA), ASK)

    override fun openAppSettings() {
        // There it can be set to ask again.
        session.isDeniedForEver = false
        start(Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, Uri.fromParts("package", packageName, null)))
    }

    override fun pickPhoto() {
        val intent = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU) {
            Intent(MediaStore.ACTION_PICK_IMAGES).setType("image/*")
        } else {
            Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("image/*")
        }
        start(intent, PICK_PHOTO)
    }

    // Files of models have no type of their own.
    override fun pickModel() =
        start(Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("*/*"), PICK_MODEL)

    override fun share(file: File) {
        val send = Intent(Intent.ACTION_SEND).setType(ZIP).putExtra(Intent.EXTRA_STREAM, ExportProvider.uriOf(this, file))
        start(Intent.createChooser(send.addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION), file.name))
    }

    override fun saveAs(file: File) {
        saving = file
        val create = Intent(Intent.ACTION_CREATE_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType(ZIP)
        start(create.putExtra(Intent.EXTRA_TITLE, file.name), SAVE)
    }

    private fun permission(): Permission = when {
        isGranted() -> Permission.GRANTED
        session.isDeniedForEver -> Permission.DENIED_FOREVER
        else -> Permission.ASKABLE
    }

    private fun isGranted() = checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED

    internal fun render(state: UiState) {
        val screen = when {
            camera.show(state) -> R.id.screen_camera
            message.show(state) -> R.id.screen_message
            bench.show(state) -> R.id.screen_bench
            else -> renderOther(state)
        }
        for (id in SCREENS) findViewById<View>(id).seen(id == screen)
        if (screen != R.id.screen_shown) shown.clear()
        lightBars(screen != R.id.screen_camera)
        keepAwake(state is UiState.BenchRunning || state is UiState.Live)
    }

    // Only where it changes: each call lays the window out anew.
    private fun keepAwake(isWanted: Boolean) {
        if (isAwake == isWanted) return
        isAwake = isWanted
        val flag = WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON
        if (isWanted) window.addFlags(flag) else window.clearFlags(flag)
    }

    private fun renderOther(state: UiState): Int = when (state) {
        is UiState.Retake -> R.id.screen_retake.also { retake.show(state) }
        is UiState.Shown -> R.id.screen_shown.also { shown.show(state) }
        is UiState.History -> R.id.screen_history.also { history.show(state) }
        is UiState.Detail -> R.id.screen_detail.also { detail.show(state) }
        is UiState.SettingsShown -> R.id.screen_settings.also { settings.show(state) }
        else -> error("no screen shows $state")
    }

    private fun start(intent: Intent, code: Int? = null) = try {
        if (code == null) startActivity(intent) else startActivityForResult(intent, code)
    } catch (_: ActivityNotFoundException) {
        toast(getString(R.string.no_app))
    }

    private fun toast(text: String) = Toast.makeText(this, text, Toast.LENGTH_LONG).show()

    private fun open(uri: Uri): InputStream =
        app.contentResolver.openInputStream(uri) ?: throw FileNotFoundException("its app gives no content")

    private fun nameOf(uri: Uri): String = app.contentResolver.query(uri, arrayOf(OpenableColumns.DISPLAY_NAME), null, null, null)
        ?.use { if (it.moveToFirst()) it.getString(0) else null } ?: uri.lastPathSegment ?: "model"

    private fun write(file: File?, uri: Uri) = app.jobs.run({
        var isWhole = false
        try {
            if (file == null || !file.isFile) throw FileNotFoundException("the export is no longer there; export again")
            foreign { copy(file, uri) }
            isWhole = true
        } finally {
            if (!isWhole) remove(uri)
        }
    }) { result ->
        result.fold({ toast(getString(R.string.file_written)) }) { toast(getString(R.string.write_failed, reasonOf(it))) }
    }

    // "w" alone leaves the rest of a longer file that is written over.
    private fun copy(file: File, uri: Uri) {
        val out = app.contentResolver.openOutputStream(uri, "wt") ?: throw IOException("its app takes no content")
        out.use { file.inputStream().use { input -> input.copyTo(it) } }
    }

    // Half a zip is worse than none. Not every provider can delete.
    private fun remove(uri: Uri) {
        try {
            foreign { DocumentsContract.deleteDocument(app.contentResolver, uri) }
        } catch (_: IOException) {
        }
    }

    @Suppress("DEPRECATION")
    private fun drawBehindBars() {
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.R) {
            window.setDecorFitsSystemWindows(false)
        } else {
            window.decorView.systemUiVisibility = View.SYSTEM_UI_FLAG_LAYOUT_STABLE or View.SYSTEM_UI_FLAG_LAYOUT_FULLSCREEN
        }
        val (top, bottom) = findViewById<View>(R.id.camera_top) to findViewById<View>(R.id.camera_bottom)
        val others = SCREENS.filter { it != R.id.screen_camera }.map<Int, View>(::findViewById)
        val own = (others + top + bottom).associateWith { listOf(it.paddingLeft, it.paddingTop, it.paddingRight, it.paddingBottom) }
        findViewById<View>(R.id.root).setOnApplyWindowInsetsListener { _, insets ->
            val (left, above, right, below) = safeArea(insets)
            fun pad(view: View, isUp: Boolean, isDown: Boolean) = own.getValue(view).let { (l, t, r, b) ->
                view.setPadding(l + left, t + if (isUp) above else 0, r + right, b + if (isDown) below else 0)
            }
            others.forEach { pad(it, isUp = true, isDown = true) }
            val isWide = bottom.layoutParams.height == android.view.ViewGroup.LayoutParams.MATCH_PARENT
            pad(top, isUp = true, isDown = isWide)
            pad(bottom, isUp = isWide, isDown = true)
            insets
        }
    }

    /** Dark signs in the system's bars where the app is light. */
    @Suppress("DEPRECATION")
    private fun lightBars(isAppsOwn: Boolean) {
        val isLight = isAppsOwn && !resources.getBoolean(R.bool.is_dark)
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.R) {
            // The navigation bar is black until Android 15, which draws the app behind it.
            val below = if (Build.VERSION.SDK_INT >= EDGE_TO_EDGE) WindowInsetsController.APPEARANCE_LIGHT_NAVIGATION_BARS else 0
            val bars = WindowInsetsController.APPEARANCE_LIGHT_STATUS_BARS or below
            window.insetsController?.setSystemBarsAppearance(if (isLight) bars else 0, bars)
        } else {
            val others = window.decorView.systemUiVisibility and View.SYSTEM_UI_FLAG_LIGHT_STATUS_BAR.inv()
            window.decorView.systemUiVisibility = if (isLight) others or View.SYSTEM_UI_FLAG_LIGHT_STATUS_BAR else others
        }
    }

    private companion object {
        const val ASK = 1
        const val PICK_PHOTO = 2
        const val PICK_MODEL = 3
        const val SAVE = 4
        const val SAVING = "saving"
        const val EDGE_TO_EDGE = 35
        const val ZIP = "application/zip"
        val SCREENS = listOf(
            R.id.screen_camera, R.id.screen_message, R.id.screen_retake, R.id.screen_shown, R.id.screen_history,
            R.id.screen_detail, R.id.screen_bench, R.id.screen_settings,
        )
    }
}
