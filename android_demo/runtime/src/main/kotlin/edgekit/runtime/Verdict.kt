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
 * @property label one of the contract's labels, or "retake" or "unknown" where the contract allows them
 * @property score the probability behind the label; for "retake" the attack score
 * @property probabilities voted probability of each label, in the order of the labels
 * @property crops box and scores of each crop that was scored, in the plan's order; an early end leaves out the rest
 * @property ms where the time went
 * @property sizeWh width and height of the upright photo
 */
public data class Verdict(
    val label: String,
    val score: Double,
    val probabilities: Map<String, Double>,
    val crops: List<CropScore>,
    val ms: Milliseconds,
    val sizeWh: SizeWh,
) {
    /** All but the size in the types that [Json] knows, with the keys of Python's `Verdict.to_dict()`. */
    public fun toMap(): Map<String, Any?> = mapOf(
        "label" to label,
        "score" to score,
        "probabilities" to probabilities,
        "crops" to crops.map { mapOf("box" to it.box.toList(), "probabilities" to it.probabilities) },
        "ms" to mapOf("decode_ms" to ms.decode, "crop_ms" to ms.crop, "invoke_ms" to ms.invoke, "vote_ms" to ms.vote),
    )

    /** [toMap] as JSON on one line. */
    public fun toJson(): String = Json.write(toMap())
}
