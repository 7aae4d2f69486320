package edgekit.capture

import android.view.View
import android.widget.ImageView
import android.widget.TextView
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.ParameterizedRobolectricTestRunner
import org.robolectric.ParameterizedRobolectricTestRunner.Parameters
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/** Draws every state at the sizes and settings that people have, and holds what can be held without eyes. */
@RunWith(ParameterizedRobolectricTestRunner::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(sdk = [34], application = TestApp::class, qualifiers = "w411dp-h891dp-xhdpi")
class ScreensTest(private val variant: String, private val name: String) {
    @Test
    fun `is drawn, named, large enough and not cut`() {
        val (qualifiers, fontScale) = VARIANTS.getValue(variant)
        RuntimeEnvironment.setQualifiers(qualifiers)
        RuntimeEnvironment.setFontScale(fontScale)
        val activity = SCENES.first { it.name == name }.play()
        activity.screenshot("$variant-$name")
        hold(activity)
    }

    /** Names, sizes of targets, and texts that fit. */
    private fun hold(activity: CaptureActivity) {
        val root: View = activity.findViewById(R.id.root)
        val seen = views(root)
        val leastPx = (48 * activity.resources.displayMetrics.density).toInt()
        for (view in seen.filter { it.isClickable && it.hasOnClickListeners() }) {
            val what = "$name: ${activity.resources.getResourceEntryName(view.id.takeIf { it > 0 && it ushr 24 == 0x7f } ?: R.id.root)}"
            assertTrue("$what must be 48 dp, is ${view.width}x${view.height} px", view.width >= leastPx && view.height >= leastPx)
            val says = (view as? TextView)?.text?.isNotEmpty() == true || view.contentDescription?.isNotEmpty() == true
            assertTrue("$what must have a name for screen readers", says)
        }
        for (view in seen.filterIsInstance<TextView>().filter { it.text.isNotEmpty() }) {
            val layout = view.layout ?: continue
            val cut = (0 until layout.lineCount).any { layout.getEllipsisCount(it) > 0 }
            assertTrue("$name: '${view.text}' is cut", !cut && layout.height <= view.height)
        }
        for (view in seen.filterIsInstance<ImageView>().filter { it.isImportantForAccessibility && it.isShown }) {
            assertTrue("$name: a picture must have a name", !view.contentDescription.isNullOrEmpty() || view.parent !is View)
        }
    }

    companion object {
        private const val PHONE = "w411dp-h891dp-xhdpi"
        private const val SMALL = "w320dp-h569dp-hdpi"
        private val VARIANTS = mapOf(
            "phone" to (PHONE to 1f),
            "small" to (SMALL to 1f),
            "dark" to ("w411dp-h891dp-night-xhdpi" to 1f),
            "german" to ("de-$SMALL" to 1f),
            "rtl" to ("ar-ldrtl-$PHONE" to 1f),
            "large" to (SMALL to 2f),
            "land" to ("w891dp-h411dp-land-xhdpi" to 1f),
        )

        // What has most on it; the others are of the same parts.
        private val FULLEST = listOf(
            "ask-permission", "model-refused", "live-recapture", "live-model-kept", "retake", "history", "detail", "bench-done", "settings",
            "live-attack-named", "retake-named", "detail-neutral", "live-faces", "shown-faces", "settings-faces",
        )

        @JvmStatic
        @Parameters(name = "{0} {1}")
        fun scenes(): List<Array<Any>> = VARIANTS.keys.flatMap { variant ->
            val names = if (variant == "phone" || variant == "small") SCENES.map { it.name } else FULLEST
            names.map { arrayOf<Any>(variant, it) }
        }
    }
}
