package edgekit.capture.core

import edgekit.runtime.Contract
import java.io.File
import java.util.concurrent.CancellationException
import java.util.concurrent.atomic.AtomicBoolean

/**
 * The captures: list, truth, export and upload.
 *
 * @param wantsUploads Whether the person wants captures in the upload folder.
 */
internal class HistoryPresenter(private val parts: Parts, private val wantsUploads: () -> Boolean, private val changed: () -> Unit) {
    private sealed interface Export {
        data class Running(val done: Int, val of: Int, val isCancelled: AtomicBoolean) : Export
        data class Done(val file: File, val captures: Int, val left: List<StoredCapture>) : Export
    }

    private var captures = Captures(emptyList(), 0)
    private var selected: StoredCapture? = null
    private var export: Export? = null
    var notice: Notice? = null
    var queue = QueueState(0, 0, null, null)
        private set

    /** Whether the queue is run: uploads are on, and the app is in front. */
    var isUploading = false

    // When the queue is tried again; null while nothing waits for it.
    private var tryAtMs: Long? = null

    fun open() {
        selected = null
        notice = null
        parts.jobs.run({ parts.store.list() }) { result ->
            captures = result.getOrThrow()
            changed()
        }
    }

    fun select(id: String) {
        notice = null
        selected = captures.whole.find { it.record.id == id }
    }

    fun listState(): UiState = when (val now = export) {
        is Export.Running -> UiState.Exporting(now.done, now.of)
        is Export.Done -> UiState.Exported(now.file, now.captures, now.left.size)
        null -> UiState.History(captures.whole, captures.damaged, notice)
    }

    fun detailState(contract: Contract?): UiState = when (val one = selected) {
        null -> listState()
        else -> UiState.Detail(one, viewOfRecord(one.record, contract), notice)
    }

    fun setTruth(label: String?) {
        val one = selected ?: return
        val isUploaded = wantsUploads()
        parts.jobs.run({
            parts.store.setTruth(one, label).also { if (isUploaded) parts.queue.add(it.record.id) }
        }) { result ->
            result.fold({ after ->
                // Another one may be shown by now.
                if (selected?.record?.id == after.record.id) {
                    selected = after
                    notice = null
                }
                upload()
                captures = captures.copy(whole = captures.whole.map { if (it.record.id == after.record.id) after else it })
            }) { notice = noticeOf(it) }
            changed()
        }
    }

    fun delete() {
        val one = selected ?: return
        selected = null
        parts.jobs.run({
            parts.store.delete(one.record.id)
            parts.store.list()
        }) { result ->
            captures = result.getOrThrow()
            changed()
        }
    }

    fun export() {
        if (export == null) export(captures.whole)
    }

    /** Exports what did not fit into the export before. */
    fun exportRest() {
        (export as? Export.Done)?.let { export(it.left) }
    }

    private fun export(all: List<StoredCapture>) {
        if (all.isEmpty()) return
        notice = null
        val isCancelled = AtomicBoolean()
        export = Export.Running(0, all.size, isCancelled)
        changed()
        val target = File(parts.exports, "$EXPORT${fileTime(parts.nowMs())}.zip")
        parts.jobs.run({ write(all, target, isCancelled) }) { result ->
            export = result.getOrNull()?.let { Export.Done(target, it, all.drop(it)) }
            result.onFailure { notice = if (it is CancellationException) Notice.ExportCancelled else exportNotice(it) }
            changed()
        }
    }

    /** Says how many of them are in it. */
    private fun write(all: List<StoredCapture>, target: File, isCancelled: AtomicBoolean): Int {
        // They are as large as all photos: the one before has been shared or saved, or is of no use.
        parts.exports.listFiles().orEmpty().filter { it.name.startsWith(EXPORT) }.forEach(File::delete)
        val first = fitting(all, parts.mostVerdictsBytes)
        exportCaptures(first, parts.identity, parts.nowMs(), target, parts.disk) { done, of ->
            if (isCancelled.get()) throw CancellationException()
            parts.jobs.post {
                if (export is Export.Running) export = Export.Running(done, of, isCancelled)
                changed()
            }
        }
        return first.size
    }

    /** Ends an export that runs; false where none does. */
    fun cancelExport(): Boolean {
        val running = export as? Export.Running ?: return false
        running.isCancelled.set(true)
        return true
    }

    /** Leaves the word of an export that is done; false where there is none. */
    fun leaveExported(): Boolean {
        if (export !is Export.Done) return false
        export = null
        return true
    }

    /** Runs the queue, away from the main thread. */
    fun upload() {
        if (isUploading) parts.uploads.run({ parts.queue.run().let { parts.queue.state() } }, ::queueState)
    }

    /** Queues all captures: uploads were just switched on. */
    fun queueAll() = parts.uploads.run({
        // Those that the folder has as they are, are found there and left alone.
        parts.store.list().whole.forEach { parts.queue.add(it.record.id) }
        parts.queue.run()
        parts.queue.state()
    }, ::queueState)

    fun retryUploads() = parts.uploads.run({
        parts.queue.retryAll()
        parts.queue.run()
        parts.queue.state()
    }, ::queueState)

    fun refreshQueue() = parts.uploads.run({ parts.queue.state() }, ::queueState)

    private fun queueState(result: Result<QueueState>) {
        result.fold({ queue = it }) { queue = queue.copy(lastProblem = reasonOf(it)) }
        val next = queue.nextTryMs
        if (isUploading && next != null) tryAgain(maxOf(next, parts.nowMs() + LEAST_WAIT_MS))
        changed()
    }

    private fun tryAgain(atMs: Long) {
        val now = tryAtMs
        // A timer that is there already stays, for one that comes sooner is set beside it.
        if (now != null && now <= atMs) return
        tryAtMs = atMs
        parts.uploads.post(atMs - parts.nowMs()) {
            if (tryAtMs == atMs) tryAtMs = null
            upload()
        }
    }

    private fun noticeOf(failure: Throwable): Notice =
        if (failure is StorageFullException) Notice.StorageFull else Notice.SaveFailed(reasonOf(failure))

    private fun exportNotice(failure: Throwable): Notice =
        if (failure is StorageFullException) Notice.StorageFull else Notice.ExportFailed(reasonOf(failure))

    private companion object {
        const val EXPORT = "edgekit-captures-"

        // A clock that is set back must not make a loop without pause.
        const val LEAST_WAIT_MS = 1000L
    }
}

/** A stored verdict's meaning: known where the model in use made it or has the same labels. */
internal fun viewOfRecord(record: CaptureRecord, contract: Contract?, label: String = record.verdict.label): VerdictView {
    val isKnown = contract != null && label in contract.labels + listOf(Contract.RETAKE, Contract.UNKNOWN)
    return if (isKnown) viewOf(label, record.verdict.score, contract!!) else VerdictView(plainTone(label), label, record.verdict.score)
}

private fun plainTone(label: String): Tone = when (label) {
    Contract.RETAKE -> Tone.UNSURE
    Contract.UNKNOWN -> Tone.UNKNOWN
    else -> Tone.NEUTRAL
}

/** Labels of a record for a person to choose from: in the model's order where they are few, else the most probable ones first. */
internal fun labelsToChoose(record: CaptureRecord, few: Int): List<String> {
    val all = record.verdict.probabilities
    return if (all.size <= few) all.keys.toList() else all.entries.sortedByDescending { it.value }.map { it.key }
}
