package edgekit.runtime

/** One crop: its box in the photo's pixels and its probabilities, in the order of the labels. */
public data class CropScore(val box: Box, val probabilities: List<Float>)

/** One verdict's time by stage, in milliseconds; their sum is the time that passed. */
public data class Milliseconds(val decode: Double, val crop: Double, val invoke: Double, val vote: Double) {
    /** Milliseconds from decoding to the vote. */
    public val total: Double get() = decode + crop + invoke + vote
}

/**
 * The answer for one photo.
 *
 * @property label one of the contract's labels, or "retake" or "unknown" where the contract allows them; where a photo may
 *   have several, those that it has with `|` between, or "none"
 * @property score the probability behind the label; for "retake" the attack score, for "unknown" by a rule of its own the
 *   unknown score, for several labels the largest probability
 * @property probabilities voted probability of each label, in the order of the labels
 * @property crops box and scores of each crop that was scored, in the plan's order; an early end leaves out the rest.
 *   With regions, boxes are in pixels of the region's square, upright
 * @property ms where the time went; with regions, finding one is part of decoding
 * @property sizeWh width and height of the upright photo; of the square for a region
 * @property labels the labels that the photo has, where it may have several; null where it has exactly one
 * @property unknown how sure it is that the photo shows none of the labels' things; null where the contract has no rule for it
 */
public data class Verdict(
    val label: String,
    val score: Double,
    val probabilities: Map<String, Double>,
    val crops: List<CropScore>,
    val ms: Milliseconds,
    val sizeWh: SizeWh,
    val labels: List<String>? = null,
    val unknown: Double? = null,
) {
    /** All but the size in the types that [Json] knows, with the keys of Python's `Verdict.to_dict()`. */
    public fun toMap(): Map<String, Any?> = mapOf(
        "label" to label,
        "score" to score,
        "probabilities" to probabilities,
        *listOfNotNull(labels?.let { "labels" to it }, unknown?.let { "unknown" to it }).toTypedArray(),
        "crops" to crops.map { mapOf("box" to it.box.toList(), "probabilities" to it.probabilities) },
        "ms" to mapOf("decode_ms" to ms.decode, "crop_ms" to ms.crop, "invoke_ms" to ms.invoke, "vote_ms" to ms.vote),
    )

    /** [toMap] as JSON on one line. */
    public fun toJson(): String = Json.write(toMap())
}

/**
 * The answer for one region of a photo.
 *
 * @property region what was found, where, and how sure the detector is
 * @property verdict the answer for its square, as for a photo
 */
public data class RegionVerdict(val region: Region, val verdict: Verdict)

/**
 * The answers for all regions of one photo; that there is none is an answer, too.
 *
 * @property thing what was looked for, such as "face"
 * @property sizeWh width and height of the upright photo
 * @property regions the answer for each, the surest detection first
 * @property decodeMs milliseconds of decoding the photo at its own size
 * @property detectMs milliseconds of finding the regions
 */
public data class RegionsVerdict(
    val thing: String,
    val sizeWh: SizeWh,
    val regions: List<RegionVerdict>,
    val decodeMs: Double,
    val detectMs: Double,
) {
    /** The labels, the surest detection first, or that there is none: `no face`. */
    public val said: String get() = if (regions.isEmpty()) "no $thing" else regions.joinToString { it.verdict.label }

    /** Milliseconds from decoding to the last vote. */
    public val totalMs: Double get() = decodeMs + detectMs + regions.sumOf { it.verdict.ms.total }

    /** In the types that [Json] knows, with the keys of Python's `RegionsVerdict.to_dict()`. */
    public fun toMap(): Map<String, Any?> = mapOf(
        "thing" to thing,
        "size_wh" to listOf(sizeWh.widthPx, sizeWh.heightPx),
        "regions" to regions.map { mapOf("region" to it.region.toMap(), "verdict" to it.verdict.toMap()) },
        "decode_ms" to decodeMs,
        "detect_ms" to detectMs,
    )

    /** [toMap] as JSON on one line. */
    public fun toJson(): String = Json.write(toMap())
}
