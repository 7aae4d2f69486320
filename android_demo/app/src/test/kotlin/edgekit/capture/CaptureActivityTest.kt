package edgekit.capture

import android.Manifest
import android.app.Activity
import android.content.Intent
import android.content.pm.PackageManager
import android.graphics.SurfaceTexture
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraMetadata
import android.net.Uri
import android.provider.Settings
import android.view.TextureView
import android.view.View
import android.widget.ImageButton
import android.widget.ListView
import android.widget.RadioGroup
import android.widget.SeekBar
import android.widget.TextView
import edgekit.capture.core.CameraEvent
import edgekit.capture.core.KNOWING
import edgekit.capture.core.Kept
import edgekit.capture.core.ModelFile
import edgekit.capture.core.ScriptedScorer
import edgekit.capture.core.Share
import edgekit.capture.core.Tone
import edgekit.capture.core.Trouble
import edgekit.capture.core.UiState
import edgekit.capture.core.VerdictView
import edgekit.capture.core.frame
import edgekit.capture.core.knowing
import edgekit.capture.core.verdict
import edgekit.runtime.ContractException
import java.io.ByteArrayInputStream
import java.io.ByteArrayOutputStream
import java.io.FileNotFoundException
import java.util.Locale
import java.util.zip.ZipInputStream
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

@RunWith(RobolectricTestRunner::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(sdk = [34], application = TestApp::class, qualifiers = "w411dp-h891dp-xhdpi")
class CaptureActivityTest {
    private fun CaptureActivity.click(id: Int) = findViewById<View>(id).let {
        assertTrue("a button that is pressed must be seen and on", it.isShown && it.isEnabled)
        it.performClick()
        idle()
    }

    private fun CaptureActivity.says(id: Int, text: Int) = assertEquals(getString(text), words(id))

    @Test
    fun `permission is asked for with a reason, then the system's dialog comes`() {
        val activity = launch().get()
        activity.says(R.id.message_title, R.string.ask_title)
        activity.says(R.id.message_text, R.string.ask_text)
        activity.click(R.id.message_primary)
        val asked = shadowOf(activity).lastRequestedPermission
        assertArrayEquals(arrayOf(Manifest.permission.CAMERA), asked.requestedPermissions)
        // Interrupted: no answer at all.
        activity.onRequestPermissionsResult(asked.requestCode, emptyArray(), intArrayOf())
        activity.says(R.id.message_title, R.string.ask_title)
        grant()
        activity.onRequestPermissionsResult(asked.requestCode, asked.requestedPermissions, intArrayOf(PackageManager.PERMISSION_GRANTED))
        assertFalse(activity.isSeen(R.id.message_primary) && activity.words(R.id.message_title) == activity.getString(R.string.ask_title))
    }

    @Test
    fun `once denied it is asked again, denied for ever it leads to the system's settings`() {
        val activity = launch().get()
        val packages = shadowOf(activity.packageManager)
        packages.setShouldShowRequestPermissionRationale(Manifest.permission.CAMERA, true)
        activity.onRequestPermissionsResult(1, arrayOf(Manifest.permission.CAMERA), intArrayOf(PackageManager.PERMISSION_DENIED))
        activity.says(R.id.message_title, R.string.ask_title)
        packages.setShouldShowRequestPermissionRationale(Manifest.permission.CAMERA, false)
        activity.onRequestPermissionsResult(1, arrayOf(Manifest.permission.CAMERA), intArrayOf(PackageManager.PERMISSION_DENIED))
        activity.says(R.id.message_title, R.string.denied_title)
        activity.click(R.id.message_primary)
        val intent = shadowOf(activity).nextStartedActivity
        assertEquals(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, intent.action)
        assertEquals("package:edgekit.capture", intent.dataString)
        launched.pause().resume()
        activity.says(R.id.message_title, R.string.ask_title)
    }

    @Test
    fun `a permission for one time is asked for again at the next start`() {
        val first = launch()
        grant()
        first.get().onRequestPermissionsResult(1, arrayOf(Manifest.permission.CAMERA), intArrayOf(PackageManager.PERMISSION_GRANTED))
        first.pause().stop().destroy()
        // The system takes it back, and gives no rationale, as for ever.
        shadowOf(RuntimeEnvironment.getApplication()).denyPermissions(Manifest.permission.CAMERA)
        launch().get().says(R.id.message_title, R.string.ask_title)
    }

    @Test
    fun `a device without a camera says so and offers the gallery`() {
        grant()
        val activity = launch().get()
        idle()
        activity.says(R.id.message_title, R.string.absent_title)
        activity.click(R.id.message_primary)
        assertNotNull(shadowOf(activity).nextStartedActivityForResult)
    }

    private fun CaptureActivity.showPreview() {
        val view = findViewById<TextureView>(R.id.preview)
        view.surfaceTexture ?: view.setSurfaceTexture(SurfaceTexture(0))
        view.surfaceTextureListener!!.onSurfaceTextureAvailable(view.surfaceTexture!!, view.width, view.height)
    }

    /** The camera works on a thread of its own. */
    private fun await(what: String, isDone: () -> Boolean) {
        val untilNs = System.nanoTime() + 20_000_000_000
        while (!isDone()) {
            assertTrue("$what must come", System.nanoTime() < untilNs)
            Thread.sleep(10)
            idle()
        }
    }

    @Test
    fun `a camera is opened by Camera2, and closed when the app leaves the front`() {
        addCamera()
        addCamera(CameraMetadata.LENS_FACING_FRONT, "1")
        grant()
        val controller = launch()
        val activity = controller.get()
        idle()
        assertEquals(UiState.OpeningCamera, activity.presenter.state)
        activity.says(R.id.verdict, R.string.opening_camera)
        activity.showPreview()
        await("the camera") { activity.presenter.state is UiState.Live }
        val live = activity.presenter.state as UiState.Live
        assertTrue(live.canSwitch)
        assertFalse(live.isFront)
        activity.click(R.id.switch_camera)
        activity.showPreview()
        await("the front camera") { (activity.presenter.state as? UiState.Live)?.isFront == true }
        controller.pause()
        assertEquals(UiState.OpeningCamera, activity.presenter.state)
        controller.resume()
        activity.showPreview()
        await("the camera again") { activity.presenter.state is UiState.Live }
        controller.pause().stop().destroy()
    }

    @Test
    fun `codes of Camera2 are told as what a person can do about them`() {
        val reasons = mapOf(
            CameraAccessException.CAMERA_IN_USE to Trouble.IN_USE, CameraAccessException.MAX_CAMERAS_IN_USE to Trouble.IN_USE,
            CameraAccessException.CAMERA_DISABLED to Trouble.DISABLED, CameraAccessException.CAMERA_DISCONNECTED to Trouble.DISCONNECTED,
            CameraAccessException.CAMERA_ERROR to Trouble.BROKEN,
        )
        for ((reason, trouble) in reasons) assertEquals(trouble, troubleOf(CameraAccessException(reason)))
        val errors = mapOf(
            CameraDevice.StateCallback.ERROR_CAMERA_IN_USE to Trouble.IN_USE,
            CameraDevice.StateCallback.ERROR_MAX_CAMERAS_IN_USE to Trouble.IN_USE,
            CameraDevice.StateCallback.ERROR_CAMERA_DISABLED to Trouble.DISABLED,
            CameraDevice.StateCallback.ERROR_CAMERA_DEVICE to Trouble.BROKEN,
            CameraDevice.StateCallback.ERROR_CAMERA_SERVICE to Trouble.BROKEN,
        )
        for ((error, trouble) in errors) assertEquals(trouble, troubleOf(error))
    }

    @Test
    fun `each trouble of the camera has words and a way on`() {
        val activity = launchLive()
        val titles = mapOf(
            Trouble.IN_USE to R.string.in_use_title, Trouble.DISABLED to R.string.disabled_title,
            Trouble.DISCONNECTED to R.string.disconnected_title, Trouble.BROKEN to R.string.broken_title,
        )
        for ((trouble, title) in titles) {
            activity.presenter.onCamera(CameraEvent.Failed(trouble))
            activity.says(R.id.message_title, title)
            activity.says(R.id.message_primary, R.string.retry)
        }
        addCamera()
        activity.click(R.id.message_primary)
        assertEquals(UiState.OpeningCamera, activity.presenter.state)
    }

    @Test
    fun `a refused model says the rule and leads to another`() {
        app.shelf.choose(ModelFile("mine.tflite", byteArrayOf(1)))
        val works = app.load
        app.load = { throw ContractException("mine.tflite: the flatbuffer's SHA-256 must be that of the contract") }
        val activity = launch().get()
        activity.says(R.id.message_title, R.string.model_refused_title)
        assertTrue("SHA-256" in activity.words(R.id.message_text))
        activity.click(R.id.message_primary)
        assertEquals(Intent.ACTION_OPEN_DOCUMENT, shadowOf(activity).nextStartedActivityForResult.intent.action)
        app.load = works
        activity.click(R.id.message_secondary)
        assertTrue(app.shelf.isBundled)
        activity.says(R.id.message_title, R.string.ask_title)
    }

    @Test
    fun `a verdict is text, icon and colour, and is announced when it changes alone`() {
        val activity = launchLive()
        var announced = 0
        val verdict: TextView = activity.findViewById(R.id.verdict)
        assertEquals(View.ACCESSIBILITY_LIVE_REGION_POLITE, verdict.accessibilityLiveRegion)
        verdict.addTextChangedListener(object : android.text.TextWatcher {
            override fun beforeTextChanged(text: CharSequence, start: Int, count: Int, after: Int) = Unit
            override fun onTextChanged(text: CharSequence, start: Int, before: Int, count: Int) = Unit
            override fun afterTextChanged(text: android.text.Editable) {
                announced++
            }
        })
        for (attack in listOf(0.04, 0.05, 0.06)) {
            app.answer = { verdict(attack, crops = 10) }
            activity.presenter.offerFrame(::frame) {}
        }
        activity.says(R.id.verdict, R.string.verdict_genuine)
        assertEquals(activity.getColor(R.color.panel_genuine), verdict.currentTextColor)
        val icon = shadowOf(activity.findViewById<android.widget.ImageView>(R.id.verdict_icon).drawable).createdFromResId
        assertEquals(R.drawable.ic_genuine, icon)
        assertEquals(1, announced)
        assertTrue(activity.words(R.id.verdict_detail), "10 crops" in activity.words(R.id.verdict_detail))
        assertTrue(activity.words(R.id.latency_total), "p95" in activity.words(R.id.latency_total))
        assertTrue(activity.words(R.id.latency_engine), "tflite 2.16.1" in activity.words(R.id.latency_engine))
    }

    @Test
    fun `a recapture asks, and is kept anyway`() {
        val activity = launchLive()
        app.answer = { verdict(0.97) }
        activity.click(R.id.shutter)
        activity.says(R.id.verdict, R.string.taking)
        activity.presenter.onCamera(CameraEvent.Photo(asset("bench/recapture-laptop-ips_0002.jpg")))
        activity.says(R.id.retake_title, R.string.retake_attack_title)
        activity.says(R.id.retake_again, R.string.take_again)
        activity.click(R.id.retake_keep)
        activity.says(R.id.notice_text, R.string.saved_anyway)
        assertEquals(Kept.ANYWAY, app.store.list().whole.single().record.kept)
        assertEquals(deviceName(), app.store.list().whole.single().record.device)
    }

    @Test
    fun `a phone that is turned keeps question, photo and model`() {
        val controller = run {
            grant()
            launch()
        }
        val before = controller.get()
        idle()
        before.presenter.onCamera(OPENED)
        app.answer = { verdict(0.97) }
        before.presenter.onShutter()
        before.presenter.onCamera(CameraEvent.Photo(asset("bench/recapture-laptop-ips_0002.jpg")))
        RuntimeEnvironment.setQualifiers("+land")
        controller.configurationChange()
        val after = controller.visible().get()
        idle()
        assertFalse(before === after)
        assertTrue(before.presenter === after.presenter)
        after.says(R.id.retake_title, R.string.retake_attack_title)
        after.click(R.id.retake_again)
        assertEquals(0, app.store.list().whole.size)
    }

    @Test
    fun `a photo of the gallery is judged and kept`() {
        val activity = launchLive()
        activity.click(R.id.gallery)
        val asked = shadowOf(activity).nextStartedActivityForResult
        val uri = Uri.parse("content://photos/1")
        shadowOf(activity.contentResolver).registerInputStream(uri, ByteArrayInputStream(asset("bench/genuine-laptop-ips_0000.jpg")))
        shadowOf(activity).receiveResult(asked.intent, Activity.RESULT_OK, Intent().setData(uri))
        idle()
        activity.presenter.onCamera(OPENED)
        activity.says(R.id.notice_text, R.string.saved)
    }

    private fun said(label: String, labels: List<Share>? = null, score: Double = 0.9) =
        Words(app).run { VerdictView(Tone.NEUTRAL, label, score, labels = labels).let { name(it) to score(it) } }

    @Test
    fun `each of several labels has its own probability, and answers that are no labels have words`() {
        val two = listOf(Share("bread", 0.9), Share("tea", 0.6))
        assertEquals("bread, tea" to "bread · 90 %, tea · 60 %", said("bread|tea", two))
        assertEquals("none of the labels" to "none of the labels · up to 30 %", said("none", emptyList(), 0.3))
        assertEquals("unknown" to "unknown · 90 %", said("unknown"))
        assertEquals("can’t tell" to "can’t tell · 90 %", said("retake"))
        RuntimeEnvironment.setQualifiers("+de")
        assertEquals("keine der Klassen" to "keine der Klassen · bis 30 %", said("none", emptyList(), 0.3))
        assertEquals("unbekannt" to "unbekannt · 90 %", said("unknown"))
        assertEquals("unklar" to "unklar · 90 %", said("retake"))
    }

    @Test
    fun `what a crop says is unknown is shown as such`() {
        app.load = { ScriptedScorer(KNOWING) { knowing(0.8) } }
        val activity = launchLive()
        activity.presenter.onShutter()
        activity.presenter.onCamera(CameraEvent.Photo(asset("bench/genuine-laptop-ips_0000.jpg")))
        activity.presenter.onHistory()
        activity.presenter.onCapture(app.store.list().whole.single().record.id)
        activity.says(R.id.detail_verdict, R.string.verdict_unknown)
        val crops = activity.words(R.id.detail_crops)
        assertTrue(crops, crops.startsWith("1: unknown · 80 %"))
    }

    @Test
    fun `history shows, marks and deletes`() {
        val activity = SCENES.first { it.name == "history" }.play()
        activity.screenshot("test-history")
        val list: ListView = activity.findViewById(R.id.history_list)
        assertEquals(3, list.adapter.count)
        val row = texts(list.getChildAt(1))
        assertTrue("$row", activity.getString(R.string.verdict_attack) in row)
        shadowOf(list).performItemClick(1)
        idle()
        activity.says(R.id.detail_verdict, R.string.verdict_attack)
        val truths: RadioGroup = activity.findViewById(R.id.detail_truth)
        assertEquals(listOf("genuine", "recapture", activity.getString(R.string.truth_none)), texts(truths))
        truths.getChildAt(0).performClick()
        idle()
        assertEquals(listOf("genuine"), app.store.list().whole.mapNotNull { it.record.truth })
        activity.click(R.id.detail_action)
        val dialog = org.robolectric.shadows.ShadowAlertDialog.getLatestAlertDialog()
        dialog.getButton(android.app.AlertDialog.BUTTON_POSITIVE).performClick()
        idle()
        assertEquals(2, app.store.list().whole.size)
    }

    @Test
    fun `an export is shared by an address that leads to it alone`() {
        val activity = SCENES.first { it.name == "exported" }.play()
        activity.says(R.id.message_title, R.string.exported_title)
        activity.click(R.id.message_primary)
        val chooser = shadowOf(activity).nextStartedActivity
        @Suppress("DEPRECATION")
        val send = chooser.getParcelableExtra<Intent>(Intent.EXTRA_INTENT)!!
        @Suppress("DEPRECATION")
        val uri = send.getParcelableExtra<Uri>(Intent.EXTRA_STREAM)!!
        assertEquals("application/zip", send.type)
        assertTrue(send.flags and Intent.FLAG_GRANT_READ_URI_PERMISSION != 0)
        val provider = org.robolectric.Robolectric.setupContentProvider(ExportProvider::class.java, "edgekit.capture.exports")
        val names = provider.openFile(uri, "r").use { file ->
            val zip = ZipInputStream(android.os.ParcelFileDescriptor.AutoCloseInputStream(file))
            generateSequence { zip.nextEntry }.map { it.name }.toList()
        }
        assertTrue("$names", "verdicts.jsonl" in names)
        for (bad in listOf("../captures/x", "edgekit-captures-../x.zip", "settings.xml", "")) {
            val other = Uri.Builder().scheme("content").authority("edgekit.capture.exports").appendPath(bad).build()
            assertThrows(bad, FileNotFoundException::class.java) { provider.openFile(other, "r") }
        }
        assertThrows(FileNotFoundException::class.java) { provider.openFile(uri, "w") }
        fun found() = provider.query(uri, null, null, null, null).use { if (it.moveToFirst()) it.getString(0) to it.getLong(1) else null }
        val file = app.exports.listFiles()!!.single()
        assertEquals(file.name to file.length(), found())
        // As the next export, or the system, deletes it.
        file.delete()
        assertEquals(null, found())
    }

    @Test
    fun `an export is saved where the person says`() {
        val activity = SCENES.first { it.name == "exported" }.play()
        activity.click(R.id.message_secondary)
        val asked = shadowOf(activity).nextStartedActivityForResult
        assertEquals(Intent.ACTION_CREATE_DOCUMENT, asked.intent.action)
        val uri = Uri.parse("content://documents/1")
        val written = ByteArrayOutputStream()
        shadowOf(activity.contentResolver).registerOutputStream(uri, written)
        shadowOf(activity).receiveResult(asked.intent, Activity.RESULT_OK, Intent().setData(uri))
        idle()
        assertArrayEquals(app.exports.listFiles()!!.single().readBytes(), written.toByteArray())
    }

    @Test
    fun `an export is saved by the process after the one that asked where, or the empty document goes`() {
        val asking = SCENES.first { it.name == "exported" }.play()
        asking.click(R.id.message_secondary)
        val kept = android.os.Bundle()
        launched.saveInstanceState(kept).pause().stop().destroy()
        val uri = Uri.parse("content://documents/2")
        val written = ByteArrayOutputStream()
        val after = org.robolectric.Robolectric.buildActivity(CaptureActivity::class.java).create(kept).start().get()
        shadowOf(after.contentResolver).registerOutputStream(uri, written)
        after.receive(uri)
        assertArrayEquals(app.exports.listFiles()!!.single().readBytes(), written.toByteArray())
        // A second answer has nothing to write, as one has whose process knows of no question.
        after.receive(uri)
        assertEquals(after.getString(R.string.write_failed, "the export is no longer there; export again"), org.robolectric.shadows.ShadowToast.getTextOfLatestToast())
    }

    private fun CaptureActivity.receive(uri: Uri) {
        val method = Activity::class.java.getDeclaredMethod("onActivityResult", Int::class.java, Int::class.java, Intent::class.java)
        method.isAccessible = true
        method.invoke(this, 4, Activity.RESULT_OK, Intent().setData(uri))
        idle()
    }

    @Test
    fun `of many labels the likeliest are at hand and the others in a list`() {
        val activity = SCENES.first { it.name == "detail-neutral" }.play()
        val truths: RadioGroup = activity.findViewById(R.id.detail_truth)
        assertEquals(listOf("mango", "apple", "apricot"), texts(truths).take(3))
        assertEquals(12, truths.childCount)
        truths.getChildAt(10).performClick()
        val dialog = org.robolectric.shadows.ShadowAlertDialog.getLatestAlertDialog()
        assertEquals(listOf("orange", "pear"), shadowOf(dialog).items.toList())
        shadowOf(dialog).clickOnItem(1)
        idle()
        assertEquals("pear", app.store.list().whole.single().record.truth)
        assertEquals("what was said is among them", listOf("pear"), checked(truths))
    }

    @Test
    fun `a truth that can't be stored leaves the mark where it was`() {
        val activity = SCENES.first { it.name == "history" }.play()
        val list: ListView = activity.findViewById(R.id.history_list)
        activity.screenshot("test-truth")
        shadowOf(list).performItemClick(1)
        idle()
        val truths: RadioGroup = activity.findViewById(R.id.detail_truth)
        // A folder in the place of the file that is written first.
        val capture = (activity.presenter.state as UiState.Detail).capture
        val way = java.io.File(capture.folder, "${capture.recordFile.name}.part").apply { mkdir() }
        repeat(2) {
            truths.getChildAt(0).performClick()
            idle()
            assertTrue(activity.isSeen(R.id.detail_notice))
            assertEquals(listOf(activity.getString(R.string.truth_none)), checked(truths))
            way.mkdir()
        }
        way.delete()
        truths.getChildAt(0).performClick()
        idle()
        assertEquals(listOf("genuine"), checked(truths))
    }

    @Test
    fun `each step of an export is shown, and none announced`() {
        val activity = SCENES.first { it.name == "exporting" }.play()
        val count: View = activity.findViewById(R.id.message_count)
        assertEquals("0 / 3", activity.words(R.id.message_count))
        val around = generateSequence(count) { it.parent as? View }
        assertTrue(around.all { it.accessibilityLiveRegion == View.ACCESSIBILITY_LIVE_REGION_NONE })
        assertFalse(activity.isSeen(R.id.message_text))
    }

    private fun checked(group: RadioGroup) =
        (0 until group.childCount).map { group.getChildAt(it) as android.widget.RadioButton }.filter { it.isChecked }.map { it.text.toString() }

    @Test
    fun `contracts of other tasks have words of their own`() {
        val table = mapOf(
            "live-neutral" to "mango",
            "live-unknown" to app.getString(R.string.verdict_unknown),
            "live-attack-named" to app.getString(R.string.verdict_attack_named, "screen"),
        )
        for ((scene, words) in table) assertEquals(scene, words, SCENES.first { it.name == scene }.play().words(R.id.verdict))
        assertEquals(
            app.getString(R.string.retake_attack_named_title, "screen"), SCENES.first { it.name == "retake-named" }.play().words(R.id.retake_title),
        )
    }

    @Test
    fun `settings change crops and threads`() {
        val activity = SCENES.first { it.name == "settings" }.play()
        assertEquals("5 crops", activity.words(R.id.settings_crops_label))
        assertEquals(4, activity.findViewById<SeekBar>(R.id.settings_crops).progress)
        activity.click(R.id.settings_fixed)
        activity.says(R.id.settings_crops_label, R.string.settings_crops_own)
        assertEquals(null, activity.presenter.settings.crops)
        assertTrue(texts(activity.findViewById(R.id.settings_model)).any { "native" in it })
        activity.click(R.id.settings_uploads)
        activity.says(R.id.settings_queue, R.string.uploads_none)
    }

    @Test
    fun `the sweep's numbers are shown`() {
        val activity = SCENES.first { it.name == "bench-done" }.play()
        val table = texts(activity.findViewById(R.id.bench_table))
        assertEquals(4 * 16, table.size)
        assertTrue("$table", "≤ 10 (2.1)" in table)
    }

    @Test
    fun `the camera's menu leads to the other screens, and back leads to the camera`() {
        val activity = launchLive()
        for (open in listOf(activity.presenter::onHistory, activity.presenter::onBench, activity.presenter::onSettings)) {
            open()
            idle()
            assertFalse(activity.isSeen(R.id.shutter))
            @Suppress("DEPRECATION")
            activity.onBackPressed()
            assertTrue(activity.isSeen(R.id.shutter))
        }
        assertEquals(activity.getString(R.string.more), activity.findViewById<ImageButton>(R.id.more).contentDescription)
    }

    @Test
    fun `panels keep clear of bars and cut-outs`() {
        val activity = launchLive()
        val insets = android.view.WindowInsets.Builder()
            .setInsets(android.view.WindowInsets.Type.systemBars(), android.graphics.Insets.of(0, 60, 0, 48)).build()
        val (top, bottom) = activity.findViewById<View>(R.id.camera_top) to activity.findViewById<View>(R.id.camera_bottom)
        val before = top.paddingTop to bottom.paddingBottom
        activity.findViewById<View>(R.id.root).dispatchApplyWindowInsets(insets)
        assertEquals(before.first + 60, top.paddingTop)
        assertEquals(before.second + 48, bottom.paddingBottom)
    }

    @Test
    @Config(qualifiers = "de")
    fun `German is spoken in all of it`() {
        val activity = launch().get()
        assertEquals("Zugriff auf die Kamera", activity.words(R.id.message_title))
        assertEquals(Locale.GERMAN.language, activity.resources.configuration.locales[0].language)
        assertEquals("3,5", Words(activity).ms(3.46))
    }

    @Test
    fun `the presenter ends with the activity`() {
        grant()
        val controller = launch()
        idle()
        val presenter = controller.get().presenter
        controller.pause().stop().destroy()
        assertEquals("its model is freed", UiState.LoadingModel, presenter.state)
    }
}
