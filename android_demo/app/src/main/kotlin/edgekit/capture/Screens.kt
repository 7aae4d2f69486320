package edgekit.capture

import android.content.res.ColorStateList
import android.graphics.Bitmap
import android.graphics.drawable.Drawable
import android.view.View
import android.view.ViewGroup
import android.view.WindowInsets
import android.widget.ImageButton
import android.widget.ImageView
import android.widget.TextView
import edgekit.capture.core.CapturePresenter
import edgekit.capture.core.Notice
import edgekit.capture.core.Source
import edgekit.capture.core.Tone
import edgekit.capture.core.Trouble
import edgekit.capture.core.UiState
import java.io.File

/** What screens ask of the activity: other apps and the system. */
interface Outside {
    fun askPermission()

    fun openAppSettings()

    fun pickPhoto()

    fun pickModel()

    fun share(file: File)

    fun saveAs(file: File)
}

/** What all screens work with. */
class Stage(val root: View, val presenter: CapturePresenter, val outside: Outside, val pictures: Pictures) {
    val words = Words(root.context)

    fun <T : View> find(id: Int): T = root.findViewById(id)

    fun colour(id: Int): Int = root.context.getColor(id)

    fun text(id: Int, vararg values: Any): String = root.context.getString(id, *values)

    fun icon(tone: Tone, sizeDp: Int): Drawable {
        val drawable = checkNotNull(root.context.getDrawable(iconOf(tone))).mutate()
        val sidePx = (sizeDp * root.resources.displayMetrics.density).toInt()
        drawable.setBounds(0, 0, sidePx, sidePx)
        drawable.setTint(colour(colourOf(tone)))
        return drawable
    }
}

/** Sets a text only where it changed: screen readers say it again each time. */
internal fun TextView.say(text: CharSequence) {
    if (text.toString() != this.text.toString()) this.text = text
}

internal fun View.seen(isSeen: Boolean) {
    visibility = if (isSeen) View.VISIBLE else View.GONE
}

internal fun ImageView.tint(colour: Int) {
    imageTintList = ColorStateList.valueOf(colour)
}

/** The spaces that bars and cut-outs take: left, top, right, bottom in pixels. */
@Suppress("DEPRECATION")
internal fun safeArea(insets: WindowInsets): List<Int> =
    if (android.os.Build.VERSION.SDK_INT >= 30) {
        insets.getInsets(WindowInsets.Type.systemBars() or WindowInsets.Type.displayCutout()).let {
            listOf(it.left, it.top, it.right, it.bottom)
        }
    } else {
        insets.run { listOf(systemWindowInsetLeft, systemWindowInsetTop, systemWindowInsetRight, systemWindowInsetBottom) }
    }

/**
 * The photo of a screen, which is asked for when it is another one than before. One that comes late is none of the next's.
 *
 * @param show Told null at once, then the picture; null again where it can't be decoded.
 */
internal class PhotoSlot(private val show: (Bitmap?) -> Unit) {
    private var shown: Any? = null

    /** @param photo What tells it from others, as its file does. */
    fun show(photo: Any, load: (show: (Bitmap?) -> Unit) -> Unit) {
        if (shown == photo) return
        shown = photo
        show(null)
        load { if (shown == photo) show(it) }
    }

    /** Lets go of the picture, and of one that is still loaded. */
    fun clear() {
        if (shown == null) return
        shown = null
        show(null)
    }
}

/** A line of words from the app, with a button that takes it away. */
internal class NoticeView(private val stage: Stage, id: Int) {
    private val view: ViewGroup = stage.find(id)
    private val text: TextView = view.findViewById(R.id.notice_text)

    init {
        view.findViewById<ImageButton>(R.id.notice_dismiss).setOnClickListener { stage.presenter.onDismiss() }
    }

    fun show(notice: Notice?) {
        view.seen(notice != null)
        text.say(notice?.let(stage.words::notice).orEmpty())
    }
}

/** States that are a message with what to do. */
internal class MessageScreen(private val stage: Stage) {
    private val icon: ImageView = stage.find(R.id.message_icon)
    private val busy: View = stage.find(R.id.message_busy)
    private val progress: android.widget.ProgressBar = stage.find(R.id.message_progress)
    private val count: TextView = stage.find(R.id.message_count)
    private val title: TextView = stage.find(R.id.message_title)
    private val text: TextView = stage.find(R.id.message_text)
    private val buttons = listOf<TextView>(
        stage.find(R.id.message_primary),
        stage.find(R.id.message_secondary),
        stage.find(R.id.message_tertiary),
    )
    private val presenter get() = stage.presenter

    private class Message(
        val title: Int,
        val text: String = "",
        val icon: Int? = null,
        val progress: Pair<Int, Int>? = null,
        val isCounted: Boolean = false,
        val buttons: List<Pair<Int, () -> Unit>> = emptyList(),
    )

    /** Shows the state, or says that it is none of these. */
    fun show(state: UiState): Boolean {
        val message = messageOf(state) ?: return false
        icon.seen(message.icon != null)
        message.icon?.let(icon::setImageResource)
        busy.seen(message.icon == null && message.progress == null)
        progress.seen(message.progress != null)
        message.progress?.let { (done, of) ->
            progress.max = of
            progress.progress = done
            // Beside what is announced: nobody wants to hear each number.
            count.text = String.format(count.resources.configuration.locales[0], "%d / %d", done, of)
        }
        count.seen(message.isCounted)
        title.say(stage.text(message.title))
        text.seen(message.text.isNotEmpty())
        text.say(message.text)
        buttons.forEachIndexed { index, button ->
            val named = message.buttons.getOrNull(index)
            button.seen(named != null)
            if (named != null) {
                button.say(stage.text(named.first))
                button.setOnClickListener { named.second() }
            }
        }
        return true
    }

    private fun messageOf(state: UiState): Message? = when (state) {
        UiState.LoadingModel -> Message(R.string.loading_model)
        is UiState.AskPermission -> Message(
            R.string.ask_title, stage.text(if (state.hasBonaFide) R.string.ask_text else R.string.ask_text_neutral), R.drawable.ic_camera,
            buttons = listOf(R.string.ask_button to stage.outside::askPermission),
        )
        UiState.PermissionDenied -> Message(
            R.string.denied_title, stage.text(R.string.denied_text), R.drawable.ic_no_camera,
            buttons = listOf(R.string.denied_button to stage.outside::openAppSettings, R.string.history to presenter::onHistory),
        )
        is UiState.NoCamera -> absent(state)
        is UiState.CameraTrouble -> trouble(state.trouble)
        is UiState.ModelRefused -> refused(state)
        is UiState.Exporting -> Message(
            R.string.exporting, progress = state.done to state.of, isCounted = true,
            buttons = listOf(R.string.cancel to ::back),
        )
        is UiState.Exported -> exported(state)
        is UiState.BenchRunning -> Message(
            R.string.bench_running, stage.text(R.string.bench_keep_open), progress = state.done to state.of,
            buttons = listOf(R.string.cancel to ::back),
        )
        is UiState.BenchFailed -> Message(
            R.string.bench_failed_title, state.reason, R.drawable.ic_attack,
            buttons = listOf(R.string.bench_again to presenter::onBench, R.string.back to ::back),
        )
        UiState.BenchInterrupted -> Message(
            R.string.bench_interrupted_title, stage.text(R.string.bench_interrupted_text), R.drawable.ic_unsure,
            buttons = listOf(R.string.bench_again to presenter::onBench, R.string.back to ::back),
        )
        else -> null
    }

    private fun back() {
        presenter.onBack()
    }

    private fun absent(state: UiState.NoCamera): Message {
        val notice = state.notice?.let { stage.words.notice(it) + "\n\n" }.orEmpty()
        return Message(
            R.string.absent_title, notice + stage.text(R.string.absent_text), R.drawable.ic_no_camera,
            buttons = listOf(
                R.string.gallery to stage.outside::pickPhoto,
                R.string.history to presenter::onHistory,
                R.string.settings to presenter::onSettings,
            ),
        )
    }

    private fun trouble(trouble: Trouble): Message {
        val (title, text) = when (trouble) {
            Trouble.IN_USE -> R.string.in_use_title to R.string.in_use_text
            Trouble.DISABLED -> R.string.disabled_title to R.string.disabled_text
            Trouble.DISCONNECTED -> R.string.disconnected_title to R.string.disconnected_text
            Trouble.BROKEN -> R.string.broken_title to R.string.broken_text
        }
        val buttons = listOf(R.string.retry to presenter::onRetry, R.string.history to presenter::onHistory)
        return Message(title, stage.text(text), R.drawable.ic_no_camera, buttons = buttons)
    }

    private fun refused(state: UiState.ModelRefused): Message {
        val own = if (state.isBundled) emptyList() else listOf(R.string.bundled_model to presenter::onBundledModel)
        return Message(
            R.string.model_refused_title, stage.text(R.string.model_refused_text, state.file, state.reason), R.drawable.ic_file,
            buttons = listOf(R.string.choose_model to stage.outside::pickModel) + own + (R.string.history to presenter::onHistory),
        )
    }

    private fun exported(state: UiState.Exported): Message {
        val isWhole = state.left == 0
        val count = if (isWhole) {
            stage.root.resources.getQuantityString(R.plurals.exported_text, state.captures, state.captures)
        } else {
            stage.text(R.string.exported_part, state.captures, state.captures + state.left)
        }
        return Message(
            R.string.exported_title, "$count\n${state.file.name}\n\n${stage.text(R.string.export_hint)}", R.drawable.ic_export,
            buttons = listOf(
                R.string.share to { stage.outside.share(state.file) },
                R.string.save_as to { stage.outside.saveAs(state.file) },
                if (isWhole) R.string.done to ::back else R.string.export_rest to presenter::onExportRest,
            ),
        )
    }
}

/** The question whether a photo is to be kept. */
internal class RetakeScreen(private val stage: Stage) {
    private val photo: ImageView = stage.find(R.id.retake_photo)
    private val icon: ImageView = stage.find(R.id.retake_icon)
    private val title: TextView = stage.find(R.id.retake_title)
    private val again: TextView = stage.find(R.id.retake_again)
    private val slot = PhotoSlot(photo::setImageBitmap)

    init {
        again.setOnClickListener { stage.presenter.onTakeAgain() }
        stage.find<View>(R.id.retake_keep).setOnClickListener { stage.presenter.onKeepAnyway() }
    }

    fun show(state: UiState.Retake) {
        slot.show(state.photo) { stage.pictures.load(state.photo, PHOTO_PX, it) }
        icon.setImageResource(iconOf(state.verdict.tone))
        icon.tint(stage.colour(colourOf(state.verdict.tone)))
        title.say(stage.words.question(state.verdict))
        stage.find<TextView>(R.id.retake_score).say(stage.words.score(state.verdict))
        val isOwn = state.source == Source.SHUTTER
        stage.find<TextView>(R.id.retake_text).say(stage.text(if (isOwn) R.string.retake_text else R.string.retake_text_gallery))
        again.say(stage.text(if (isOwn) R.string.take_again else R.string.leave_out))
    }

    private companion object {
        const val PHOTO_PX = 1280
    }
}
