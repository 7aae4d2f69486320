package edgekit.capture.core

import edgekit.runtime.Box
import edgekit.runtime.Contract
import edgekit.runtime.Milliseconds
import edgekit.runtime.RegionsVerdict
import edgekit.runtime.SizeWh
import edgekit.runtime.Tracked
import edgekit.runtime.Verdict

/**
 * One answer on a photo.
 *
 * @property box What it is about, in pixels of the upright photo; null is the whole.
 */
data class Found(val box: Box?, val verdict: VerdictView)

/**
 * All answers on a photo, as they are shown.
 *
 * @property thing What was looked for, such as "face"; null where the whole photo was judged.
 * @property found The surest detection first; none where there is none of the thing.
 */
data class Answers(val thing: String?, val size: SizeWh, val found: List<Found>)

/**
 * Whether a record of captures can hold what a model says: one answer on a whole photo, and probabilities that sum to one.
 * All else is shown, and not stored.
 */
val Contract.isRecorded: Boolean get() = regions == null && multiLabel == null

/** A verdict on a whole photo as all answers that there are. */
internal fun answersOf(verdict: Verdict, contract: Contract) =
    Answers(null, verdict.sizeWh, listOf(Found(null, viewOf(verdict, contract))))

/** Verdicts on regions as they are shown. */
internal fun answersOf(verdict: RegionsVerdict, contract: Contract) = Answers(
    verdict.thing,
    verdict.sizeWh,
    verdict.regions.map { Found(it.region.box, viewOf(it.verdict, contract)) },
)

/** The steady answers on a frame's regions as they are shown. */
internal fun answersOf(verdict: RegionsVerdict, tracked: List<Tracked>, contract: Contract) = Answers(
    verdict.thing,
    verdict.sizeWh,
    tracked.map { Found(it.seen.region.box, viewOf(it.steady, contract)) },
)

/** Where a frame's time went, all regions together; finding them is part of decoding. */
internal fun timeOf(verdict: RegionsVerdict): Milliseconds {
    val each = verdict.regions.map { it.verdict.ms }
    return Milliseconds(
        decode = verdict.decodeMs + verdict.detectMs + each.sumOf { it.decode },
        crop = each.sumOf { it.crop },
        invoke = each.sumOf { it.invoke },
        vote = each.sumOf { it.vote },
    )
}
