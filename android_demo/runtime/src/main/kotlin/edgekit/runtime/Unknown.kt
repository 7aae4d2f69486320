package edgekit.runtime

/** What the unknown score of a photo is, 0 to 1. */
public enum class UnknownRule(
    /** As the contract spells it. */
    public val spelling: String,
) {
    /** One minus the largest voted probability (Hendrycks and Gimpel 2017). */
    PROBABILITY("probability"),

    /** The voted probability of one output more: it falls with the log-sum-exp of the logits (Liu et al. 2020). */
    ENERGY("energy"),

    /** The voted probability of one output more: it falls with the cosine of the features to the nearest class mean. */
    DISTANCE("distance"),
}

/**
 * When a photo shows none of the labels' things, as found on classes that were held out in turn.
 *
 * @property rule what a photo's unknown score is
 * @property threshold from this score on the answer is "unknown", 0 to 1
 * @property falseAccept share of photos of classes held out that were below it; null: not told
 * @property falseReject share of photos of known classes that were not
 * @property auroc area under the ROC curve of held-out against known photos
 * @throws ContractException values out of range
 */
public data class Unknown @JvmOverloads @Throws(EdgekitException::class) constructor(
    val rule: UnknownRule,
    val threshold: Double,
    val falseAccept: Double? = null,
    val falseReject: Double? = null,
    val auroc: Double? = null,
) {
    init {
        for ((name, value) in toMap() - "rule") {
            hold(value == null || value as Double in 0.0..1.0) { "$name must lie in 0 to 1, got $value" }
        }
    }

    /** How many outputs the model has for it, behind those of the labels. */
    public val outputs: Int get() = if (rule == UnknownRule.PROBABILITY) 0 else 1

    internal fun toMap(): Map<String, Any?> = mapOf(
        "rule" to rule.spelling,
        "threshold" to threshold,
        "false_accept" to falseAccept,
        "false_reject" to falseReject,
        "auroc" to auroc,
    )

    internal companion object {
        val REQUIRED = setOf("rule", "threshold")
        val OPTIONAL = setOf("false_accept", "false_reject", "auroc")

        fun from(record: JsonRecord) = Unknown(
            rule = record.oneOf("rule", UnknownRule.entries) { it.spelling },
            threshold = record.double("threshold"),
            falseAccept = record.doubleOrNull("false_accept"),
            falseReject = record.doubleOrNull("false_reject"),
            auroc = record.doubleOrNull("auroc"),
        )
    }
}
