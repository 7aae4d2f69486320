package edgekit.capture

import android.content.Context
import edgekit.capture.core.Answers
import edgekit.capture.core.CaptureRecord
import edgekit.capture.core.Kept
import edgekit.capture.core.Notice
import edgekit.capture.core.QueueState
import edgekit.capture.core.Source
import edgekit.capture.core.Tone
import edgekit.capture.core.VerdictView
import edgekit.runtime.Contract
import java.text.DateFormat
import java.util.Date
import java.util.Locale
import kotlin.math.roundToInt

/** States in the person's language. */
class Words(private val context: Context) {
    private val locale: Locale get() = context.resources.configuration.locales[0]

    fun verdict(view: VerdictView): String = when (view.tone) {
        Tone.GENUINE -> context.getString(R.string.verdict_genuine)
        Tone.ATTACK -> if (view.isOneOfSeveral) context.getString(R.string.verdict_attack_named, view.label) else context.getString(R.string.verdict_attack)
        Tone.UNSURE -> context.getString(R.string.verdict_unsure)
        Tone.UNKNOWN -> context.getString(R.string.verdict_unknown)
        Tone.NEUTRAL -> name(view)
    }

    /** What a verdict is called: its label, its labels, or that it has none of them. */
    fun name(view: VerdictView): String {
        val labels = view.labels ?: return name(view.label)
        return labels.joinToString { it.label }.ifEmpty { context.getString(R.string.label_none) }
    }

    private fun name(label: String): String = when (label) {
        Contract.RETAKE -> context.getString(R.string.label_retake)
        Contract.UNKNOWN -> context.getString(R.string.label_unknown)
        else -> label
    }

    /** What there is on a photo: how many faces, or what one of them or the whole is. */
    fun answers(answers: Answers): String {
        val count = answers.found.size
        return when {
            count == 0 -> context.getString(R.string.faces_none)
            count == 1 -> verdict(answers.found[0].verdict)
            else -> context.resources.getQuantityString(R.plurals.faces, count, count)
        }
    }

    /** All answers with how sure they are, on one line. */
    fun scores(answers: Answers): String = answers.found.joinToString { score(it.verdict) }

    /** Why a photo is asked about. */
    fun question(view: VerdictView): String = when {
        view.tone == Tone.UNSURE -> context.getString(R.string.retake_unsure_title)
        view.isOneOfSeveral -> context.getString(R.string.retake_attack_named_title, view.label)
        else -> context.getString(R.string.retake_attack_title)
    }

    /** The first labels, and how many more there are. */
    fun labels(all: List<String>): String {
        val more = all.size - MOST_LABELS
        val first = all.take(MOST_LABELS).joinToString()
        return if (more <= 0) first else first + context.resources.getQuantityString(R.plurals.more_labels, more, more)
    }

    /** The model's own label, or each of several, and how sure it is. */
    fun score(view: VerdictView): String = when {
        view.labels == null -> score(view.label, view.score)
        view.labels.isEmpty() -> context.getString(R.string.verdict_none, name(view), percent(view.score))
        else -> view.labels.joinToString { score(it.label, it.probability) }
    }

    /** A label of a crop and how sure it is. */
    fun score(label: String, score: Double): String = context.getString(R.string.verdict_detail, name(label), percent(score))

    private fun percent(share: Double) = (100 * share).roundToInt()

    fun crops(count: Int): String = context.resources.getQuantityString(R.plurals.crops, count, count)

    fun threads(count: Int): String = context.resources.getQuantityString(R.plurals.threads, count, count)

    fun join(one: String, other: String): String = context.getString(R.string.join, one, other)

    /** Milliseconds: one decimal below 10. */
    fun ms(value: Double): String = String.format(locale, if (value < 10) "%.1f" else "%.0f", value)

    fun number(value: Double): String = String.format(locale, "%.4g", value).let { text ->
        if ('e' in text) text else text.trimEnd('0').trimEnd('.', ',')
    }

    fun notice(notice: Notice): String = when (notice) {
        is Notice.Saved -> context.getString(if (notice.kept == Kept.ANYWAY) R.string.saved_anyway else R.string.saved)
        Notice.StorageFull -> context.getString(R.string.storage_full)
        is Notice.SaveFailed -> context.getString(R.string.save_failed, notice.reason)
        is Notice.PhotoRefused -> context.getString(R.string.photo_refused, notice.reason)
        Notice.ShotFailed -> context.getString(R.string.shot_failed)
        Notice.ShotLost -> context.getString(R.string.shot_lost)
        is Notice.ModelRefused -> context.getString(R.string.model_kept, notice.file, notice.reason)
        is Notice.GpuRefused -> context.getString(R.string.gpu_refused, notice.reason)
        is Notice.ExportFailed -> context.getString(R.string.export_failed, notice.reason)
        Notice.ExportCancelled -> context.getString(R.string.export_cancelled)
        is Notice.LiveFailed -> context.getString(R.string.live_failed, notice.reason)
    }

    fun taken(record: CaptureRecord): String =
        DateFormat.getDateTimeInstance(DateFormat.MEDIUM, DateFormat.SHORT, locale).format(Date(record.takenMs))

    /** What ran the model; that an interpreter does not tell its kernels is for records, not for people. */
    fun engine(told: String): String = told.removeSuffix(", not told")

    /** What else is to be said of a capture, on one line; empty where nothing is. */
    fun marks(record: CaptureRecord): String = listOfNotNull(
        context.getString(R.string.kept_anyway_mark).takeIf { record.kept == Kept.ANYWAY },
        context.getString(R.string.from_gallery).takeIf { record.source == Source.GALLERY },
        record.truth?.let { context.getString(R.string.truth_mark, it) },
    ).fold("") { line, mark -> if (line.isEmpty()) mark else join(line, mark) }

    fun queue(queue: QueueState): String {
        val lines = listOfNotNull(
            context.resources.getQuantityString(R.plurals.uploads_waiting, queue.waiting, queue.waiting).takeIf { queue.waiting > 0 },
            context.resources.getQuantityString(R.plurals.uploads_refused, queue.refused, queue.refused).takeIf { queue.refused > 0 },
            queue.lastProblem?.let { context.getString(R.string.uploads_problem, it) },
        )
        return if (lines.isEmpty()) context.getString(R.string.uploads_none) else lines.joinToString("\n")
    }

    private companion object {
        const val MOST_LABELS = 12
    }
}

/** The icon of a meaning: with text and colour, never the colour alone. */
internal fun iconOf(tone: Tone): Int = when (tone) {
    Tone.GENUINE -> R.drawable.ic_genuine
    Tone.ATTACK -> R.drawable.ic_attack
    Tone.UNSURE, Tone.UNKNOWN -> R.drawable.ic_unsure
    Tone.NEUTRAL -> R.drawable.ic_neutral
}

/** The colour of a meaning on the app's background. */
internal fun colourOf(tone: Tone): Int = when (tone) {
    Tone.GENUINE -> R.color.genuine
    Tone.ATTACK -> R.color.attack
    Tone.UNSURE, Tone.UNKNOWN -> R.color.unsure
    Tone.NEUTRAL -> R.color.neutral
}

/** The colour of a meaning on the camera's picture. */
internal fun panelColourOf(tone: Tone): Int = when (tone) {
    Tone.GENUINE -> R.color.panel_genuine
    Tone.ATTACK -> R.color.panel_attack
    Tone.UNSURE, Tone.UNKNOWN -> R.color.panel_unsure
    Tone.NEUTRAL -> R.color.panel_neutral
}
