package edgekit.capture.core

import edgekit.runtime.Contract
import edgekit.runtime.Smoothed
import edgekit.runtime.Verdict
import java.io.File

/** What a verdict means to a person: text, icon and colour follow from it. */
enum class Tone { GENUINE, ATTACK, UNSURE, UNKNOWN, NEUTRAL }

/** A label of a photo that may have several, with its own probability. */
data class Share(val label: String, val probability: Double)

/**
 * A verdict as it is shown.
 *
 * @property label As the contract spells it; "retake" and "unknown" have words of their own.
 * @property isOneOfSeveral Whether the contract has several labels of an attack, so that the label itself must be said.
 * @property labels Those that the photo has, where it may have several; null where it has exactly one.
 */
data class VerdictView(
    val tone: Tone,
    val label: String,
    val score: Double,
    val isOneOfSeveral: Boolean = false,
    val labels: List<Share>? = null,
)

/** A photo's file that is shown and lies nowhere. */
class ShownPhoto(val content: ByteArray)

/** Why the camera can't be used. */
enum class Trouble { IN_USE, DISABLED, DISCONNECTED, BROKEN }

/** The camera's lamp. */
enum class Torch { ABSENT, OFF, ON }

/** What a screen tells beside its content, until the next step. */
sealed interface Notice {
    data class Saved(val kept: Kept) : Notice
    data object StorageFull : Notice
    data class SaveFailed(val reason: String) : Notice
    data class PhotoRefused(val reason: String) : Notice
    data object ShotFailed : Notice

    /** The app left the front before the camera gave the photo. */
    data object ShotLost : Notice
    data class ModelRefused(val file: String, val reason: String) : Notice
    data class GpuRefused(val reason: String) : Notice
    data class ExportFailed(val reason: String) : Notice
    data object ExportCancelled : Notice
    data class LiveFailed(val reason: String) : Notice
}

/** A model and its contract as settings show it. */
data class ModelView(val name: String, val sha256: String, val contract: Contract, val engine: Engine, val isBundled: Boolean)

/** What the screen shows. Every state is made by [CapturePresenter]. */
sealed interface UiState {
    /**
     * The camera's permission is asked for, with the reason.
     *
     * @property hasBonaFide Whether the model tells genuine photos from others, or names what is on them.
     */
    data class AskPermission(val hasBonaFide: Boolean) : UiState

    /** The system asks no more: only its settings can give the permission. */
    data object PermissionDenied : UiState

    /** A device without a camera: photos of the gallery can still be checked. */
    data class NoCamera(val notice: Notice?) : UiState

    data class CameraTrouble(val trouble: Trouble) : UiState

    data object LoadingModel : UiState

    data class ModelRefused(val file: String, val reason: String, val isBundled: Boolean) : UiState

    data object OpeningCamera : UiState

    /**
     * The camera's picture with the smoothed verdict on it.
     *
     * @property verdict Null until the first frame was judged, and with [answers].
     * @property answers On the regions of the last frame; null before it, and for a model of whole photos.
     * @property crops Of the last verdict; an early end has fewer than the contract.
     */
    data class Live(
        val verdict: VerdictView?,
        val answers: Answers?,
        val crops: Int,
        val latency: Latency?,
        val engine: Engine,
        val threads: Int,
        val torch: Torch,
        val canSwitch: Boolean,
        val isFront: Boolean,
        val notice: Notice?,
    ) : UiState

    /** The shutter was pressed, and the camera has not given the photo yet. */
    data object Taking : UiState

    /** A photo is judged and stored. */
    data object Checking : UiState

    /** The photo looks like a recapture, or the contract can't tell: take it again, or keep it anyway. */
    data class Retake(val verdict: VerdictView, val photo: File, val source: Source) : UiState

    /** What a model says of a photo that has any number of answers; the photo is not stored. */
    data class Shown(val answers: Answers, val photo: ShownPhoto, val source: Source) : UiState

    data class History(val captures: List<StoredCapture>, val damaged: Int, val notice: Notice?) : UiState

    data class Detail(val capture: StoredCapture, val verdict: VerdictView, val notice: Notice?) : UiState

    data class Exporting(val done: Int, val of: Int) : UiState

    /** @property left How many did not fit, and are for the next export. */
    data class Exported(val file: File, val captures: Int, val left: Int) : UiState

    /** @property settings How many ways to run the model are timed; 0 until they are counted. */
    data class BenchReady(val settings: Int) : UiState

    data class BenchRunning(val done: Int, val of: Int) : UiState

    data class BenchDone(val result: BenchResult) : UiState

    data class BenchFailed(val reason: String) : UiState

    /** The app left the front while the sweep ran. */
    data object BenchInterrupted : UiState

    data class SettingsShown(val settings: Settings, val model: ModelView?, val queue: QueueState, val notice: Notice?) : UiState
}

/** The meaning of a label under a contract. */
fun toneOf(label: String, contract: Contract): Tone = when {
    label == Contract.RETAKE -> Tone.UNSURE
    label == Contract.UNKNOWN || isNothing(label, contract) -> Tone.UNKNOWN
    contract.bonaFide == null -> Tone.NEUTRAL
    label == contract.bonaFide -> Tone.GENUINE
    else -> Tone.ATTACK
}

private fun isNothing(label: String, contract: Contract) = contract.multiLabel != null && label == Contract.NOTHING

/** A label and its score as they are shown under a contract. */
fun viewOf(label: String, score: Double, contract: Contract, labels: List<Share>? = null): VerdictView =
    VerdictView(toneOf(label, contract), label, score, isOneOfSeveral = contract.labels.size > 2, labels)

/** A verdict as it is shown. */
internal fun viewOf(verdict: Verdict, contract: Contract): VerdictView =
    viewOf(verdict.label, verdict.score, contract, verdict.labels?.map { Share(it, verdict.probabilities.getValue(it)) })

/** A steady answer as it is shown. */
internal fun viewOf(steady: Smoothed, contract: Contract): VerdictView =
    viewOf(steady.label, steady.score, contract, steady.labels?.map { Share(it, steady.probabilities.getValue(it)) })
