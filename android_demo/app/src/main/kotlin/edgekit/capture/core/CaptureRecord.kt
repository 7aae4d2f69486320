package edgekit.capture.core

import edgekit.runtime.Box
import edgekit.runtime.CropScore
import edgekit.runtime.Exif
import edgekit.runtime.Json
import edgekit.runtime.JsonRecord
import edgekit.runtime.Milliseconds
import edgekit.runtime.RecordException
import edgekit.runtime.SizeWh
import edgekit.runtime.Verdict
import java.text.SimpleDateFormat
import java.util.Date
import java.util.Locale
import java.util.TimeZone
import kotlin.random.Random

/** Where a photo came from. */
enum class Source(val spelling: String) { SHUTTER("shutter"), GALLERY("gallery") }

/** Whether the app advised against a photo that was kept. */
enum class Kept(val spelling: String) { AS_IS("as-is"), ANYWAY("kept-anyway") }

/** What this installation calls itself in the files that it sends home. */
data class Identity(val app: String, val device: String, val installation: String)

/** The model file behind a verdict: its name for people and the SHA-256 of the whole file. */
data class ModelName(val name: String, val sha256: String) {
    fun toMap(): Map<String, Any?> = mapOf("name" to name, "sha256" to sha256)
}

/**
 * One stored photo's verdict and how it came about: `ID.json`.
 *
 * @property takenMs Milliseconds since 1970.
 * @property verdict On the stored file, by [crops][Verdict.crops] in pixels of the upright photo.
 * @property rotation Clockwise degrees that make the file's pixels stand upright.
 * @property truth The label that the user said is right; null where nobody said.
 */
data class CaptureRecord(
    val id: String,
    val photo: String,
    val takenMs: Long,
    val source: Source,
    val kept: Kept,
    val verdict: Verdict,
    val rotation: Int,
    val model: ModelName,
    val device: String,
    val app: String,
    val engine: String,
    val threads: Int,
    val truth: String?,
) {
    /** The record on one line, as the host reads it; of what is unknown it has the answer alone. */
    fun toJson(): String = Json.write(
        linkedMapOf<String, Any?>(
            "schema" to SCHEMA,
            "id" to id,
            "photo" to photo,
            "taken" to rfc3339(takenMs),
            "source" to source.spelling,
            "kept" to kept.spelling,
        ) + (verdict.toMap() - "unknown") + linkedMapOf(
            // A float32 as the double that it is has twice the digits, which a reader's limits know nothing of.
            "crops" to verdict.crops.map { mapOf("box" to it.box.toList(), "probabilities" to it.probabilities.map(::shortest)) },
            "size_wh" to listOf(verdict.sizeWh.widthPx, verdict.sizeWh.heightPx),
            "rotation" to rotation,
            "model" to model.toMap(),
            "device" to device,
            "app" to app,
            "engine" to engine,
            "threads" to threads,
            "truth" to truth,
        ),
    )

    companion object {
        const val SCHEMA = 1
        private val KEYS = setOf(
            "schema", "id", "photo", "taken", "source", "kept", "label", "score", "probabilities", "crops", "ms", "size_wh",
            "rotation", "model", "device", "app", "engine", "threads", "truth",
        )

        /**
         * Reads a record, strictly.
         *
         * @throws RecordException it is none, of a newer schema, or values are out of range.
         */
        fun fromJson(text: String): CaptureRecord {
            val raw = JsonRecord(Json.parse(text), "a capture", KEYS)
            hold(raw.int("schema") == SCHEMA) { "a capture must have schema $SCHEMA, got ${raw.int("schema")}" }
            val model = raw.record("model", setOf("name", "sha256"))
            val id = raw.string("id")
            hold(isId(id)) { "a capture's id must be $ID_RULE, got ${id.take(80)}" }
            val photo = raw.string("photo")
            hold(PHOTO_ENDINGS.any { photo == "$id.$it" }) { "a capture's photo must be named as its id, got ${photo.take(80)}" }
            val verdict = verdict(raw)
            val truth = raw.stringOrNull("truth")
            hold(truth == null || truth in verdict.probabilities) { "a truth must be one of the labels, got $truth" }
            return CaptureRecord(
                id = id,
                photo = photo,
                takenMs = parseRfc3339(raw.string("taken")),
                source = spelled(Source.values(), Source::spelling, raw.string("source")),
                kept = spelled(Kept.values(), Kept::spelling, raw.string("kept")),
                verdict = verdict,
                rotation = raw.int("rotation"),
                model = ModelName(model.string("name"), model.string("sha256")),
                device = raw.string("device"),
                app = raw.string("app"),
                engine = raw.string("engine"),
                threads = raw.int("threads"),
                truth = truth,
            )
        }

        private fun verdict(raw: JsonRecord): Verdict {
            val ms = raw.record("ms", setOf("decode_ms", "crop_ms", "invoke_ms", "vote_ms"))
            val size = whole(raw.list("size_wh"), 2)
            val probabilities = raw.map("probabilities").mapValues { number(it.value) }
            return Verdict(
                label = raw.string("label"),
                score = raw.double("score"),
                probabilities = probabilities,
                crops = raw.list("crops").map { item ->
                    val crop = JsonRecord(item, "a crop", setOf("box", "probabilities"))
                    val edges = whole(crop.list("box"), 4)
                    CropScore(Box(edges[0], edges[1], edges[2], edges[3]), crop.doubles("probabilities").map { it.toFloat() })
                },
                ms = Milliseconds(ms.double("decode_ms"), ms.double("crop_ms"), ms.double("invoke_ms"), ms.double("vote_ms")),
                sizeWh = SizeWh(size[0], size[1]),
            )
        }

        private fun whole(items: List<Any?>, count: Int): List<Int> {
            hold(items.size == count && items.all { it is Long && it in 0L..Int.MAX_VALUE }) {
                "$count whole numbers must stand here, got ${items.toString().take(80)}"
            }
            return items.map { (it as Long).toInt() }
        }

        private fun number(value: Any?): Double =
            (value as? Number)?.toDouble() ?: throw RecordException("a probability must be a number, got $value")

        private fun <T> spelled(values: Array<T>, spelling: (T) -> String, text: String): T =
            values.find { spelling(it) == text }
                ?: throw RecordException("one of ${values.map(spelling)} must stand here, got ${text.take(80)}")
    }
}

/** How a photo's file may end: what galleries and cameras give and hosts read. */
val PHOTO_ENDINGS = listOf("jpg", "png", "webp", "heic")

/** What an id looks like, for messages. */
const val ID_RULE = "1 to 64 of 0-9, A-Z, a-z and -"

/** Whether a text may name a capture; only such texts become paths. */
fun isId(text: String): Boolean =
    text.length in 1..64 && text.all { it in '0'..'9' || it in 'A'..'Z' || it in 'a'..'z' || it == '-' }

/** An id that no other capture has: UTC time and chance. */
fun newId(nowMs: Long, random: Random): String =
    "${utc("yyyyMMdd'T'HHmmssSSS'Z'").format(Date(nowMs))}-${hex8(random)}"

/** Eight hex digits by chance. */
fun hex8(random: Random): String = String.format(Locale.ROOT, "%08x", random.nextInt())

/** A time as `2026-11-30T07:13:55.123Z`. */
fun rfc3339(timeMs: Long): String = utc(RFC_3339).format(Date(timeMs))

/** The UTC day of a time as `20261130`. */
fun utcDay(timeMs: Long): String = utc("yyyyMMdd").format(Date(timeMs))

/**
 * The time of a text that [rfc3339] wrote.
 *
 * @throws RecordException it is of another form.
 */
fun parseRfc3339(text: String): Long {
    val time = utc(RFC_3339).parse(text, java.text.ParsePosition(0))
    // Lenient parsers take 2026-13-40 for a day.
    if (time == null || rfc3339(time.time) != text) {
        throw RecordException("a time must be such as 2026-11-30T07:13:55.123Z, got ${text.take(80)}")
    }
    return time.time
}

/** Clockwise degrees that make a photo's pixels stand upright, by its EXIF block. */
fun rotationOf(content: ByteArray): Int = when (Exif.orientation(content)) {
    3, 4 -> 180
    5, 8 -> 270
    6, 7 -> 90
    else -> 0
}

private const val RFC_3339 = "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"

// A new one each time: these are not safe to share between threads.
private fun utc(pattern: String) = SimpleDateFormat(pattern, Locale.ROOT).apply { timeZone = TimeZone.getTimeZone("UTC") }

private inline fun hold(rule: Boolean, message: () -> String) {
    if (!rule) throw RecordException(message())
}
