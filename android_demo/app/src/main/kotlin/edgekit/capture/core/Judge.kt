package edgekit.capture.core

import edgekit.runtime.Kinds
import edgekit.runtime.PhotoException
import edgekit.runtime.PhotoKind

/** A photo on the disk with the record that it would have as a capture. */
internal class Judged(val pending: PendingCapture, val record: CaptureRecord, val view: VerdictView)

/** A photo with answers that no record of captures can hold; it lies nowhere. */
internal class Looked(val photo: ShownPhoto, val source: Source, val answers: Answers)

/** Judges photos: those that may become captures as they are stored on the disk, others as they come. */
internal class Judge(private val parts: Parts, private val scorer: Scorer, private val crops: Int?) {
    /**
     * Judges a photo; where that fails, nothing stays on the disk.
     *
     * @throws edgekit.runtime.EdgekitException it can't be read within the limits.
     * @throws StorageFullException there is no room.
     */
    fun judge(source: Source, lens: String?, content: ByteArray): Judged {
        val nowMs = parts.nowMs()
        return onDisk(nowMs, lens, content) { pending, file ->
            val verdict = scorer.classify(file, crops)
            val record = CaptureRecord(
                id = pending.id,
                photo = pending.photo.name,
                takenMs = nowMs,
                source = source,
                kept = Kept.AS_IS,
                verdict = verdict,
                rotation = rotationOf(file),
                model = scorer.model,
                device = parts.identity.device,
                app = parts.identity.app,
                engine = scorer.engine.toString(),
                threads = scorer.threads,
                truth = null,
            )
            Judged(pending, record, viewOf(verdict, scorer.contract))
        }
    }

    /**
     * Judges a photo, of any kind that can be decoded, whose answers are shown; it is stored nowhere.
     *
     * @throws edgekit.runtime.EdgekitException it can't be read within the limits.
     */
    fun look(source: Source, content: ByteArray): Looked {
        val contract = scorer.contract
        val answers = if (contract.regions == null) {
            answersOf(scorer.classify(content, crops), contract)
        } else {
            answersOf(scorer.regions(content, crops), contract)
        }
        return Looked(ShownPhoto(content), source, answers)
    }

    private fun <T> onDisk(nowMs: Long, lens: String?, content: ByteArray, work: (PendingCapture, ByteArray) -> T): T {
        val pending = parts.store.begin(newId(nowMs, parts.random), content, endingOf(content), lens)
        var isJudged = false
        try {
            return work(pending, pending.photo.readBytes()).also { isJudged = true }
        } finally {
            if (!isJudged) parts.store.drop(pending)
        }
    }

    // What else its headers say is held where it is decoded.
    private fun endingOf(content: ByteArray): String {
        val head = content.copyOf(minOf(content.size, Kinds.HEAD_BYTES))
        return when (val kind = Kinds.of(head)) {
            PhotoKind.JPEG -> "jpg"
            PhotoKind.PNG -> "png"
            PhotoKind.WEBP -> "webp"
            null -> Kinds.whatInstead(content).let { throw PhotoException("the photo must be a picture, got ${it.what}; ${it.remedy}") }
            else -> throw PhotoException("a photo must be JPEG, PNG or WebP to be kept, got $kind; export it as JPEG")
        }
    }
}
