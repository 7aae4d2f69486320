package edgekit.runtime

/**
 * Which crops of a photo are scored, in order: the scales of [lead], then those of [cycle] again and again.
 *
 * A scale is `full` (the whole frame, squashed to a square), `centre` (the largest centred square), `native` (as many
 * pixels as the model's input has) or a fraction of the width such as `1/4`.
 *
 * @property lead scales of the first crops, at most 64
 * @property cycle scales of all others, 1 to 64
 * @property crops how many crops a verdict takes, 1 to 1000
 * @property workingPx a photo is first halved as often as its shorter side stays at least so long, 64 to 20000; null:
 *   never
 * @throws ContractException values out of range
 */
public data class CropPlan @JvmOverloads constructor(
    val lead: List<String> = emptyList(),
    val cycle: List<String> = listOf("1/4"),
    val crops: Int = 10,
    val workingPx: Int? = null,
) {
    /** The scale of crop [index], from 0. */
    public fun scale(index: Int): String =
        if (index < lead.size) lead[index] else cycle[(index - lead.size) % cycle.size]

    /** The scales as the command line has them: `lead+lead:cycle,cycle`. */
    override fun toString(): String = (if (lead.isEmpty()) "" else lead.joinToString("+") + ":") + cycle.joinToString(",")
}

/** How the scores of the crops are joined. */
public enum class Vote(
    /** As the contract spells it. */
    public val spelling: String,
) {
    /** The mean of the crops' log-probabilities, normalised again. */
    MEAN_LOG("mean-log"),

    /** The arithmetic mean of the probabilities. */
    MEAN("mean"),
}

/** Attack scores inside `low <= score < high` answer "retake"; `0 <= low < high <= 1`. */
public data class Band(val low: Double, val high: Double)

/**
 * How the scores of the crops become one answer.
 *
 * @property vote how they are joined
 * @property temperature log-probabilities are divided by it before the vote, 0.01 to 100
 * @property threshold the attack score from which a photo is called an attack, 0 to 1; null: the most probable label
 * @property abstain attack scores that answer "retake"; null: none
 * @property floor a most probable label under this probability answers "unknown", 0 to 1; null: never
 * @property earlyStop bound i ends the work after crop i (from 0) where the vote so far is farther than that, in
 *   log-odds, from every point at which the answer changes; null: all crops are scored
 * @throws ContractException values out of range
 */
public data class Decision @JvmOverloads constructor(
    val vote: Vote = Vote.MEAN_LOG,
    val temperature: Double = 1.0,
    val threshold: Double? = null,
    val abstain: Band? = null,
    val floor: Double? = null,
    val earlyStop: List<Double>? = null,
)

/**
 * Everything that a caller must know to use a model, and where the model came from: `edgekit.json`.
 *
 * @property schema version of the format
 * @property name a name for people
 * @property labels one per output, in the order of the output
 * @property bonaFide the label of genuine photos, where all others are attacks; null in other tasks
 * @property sidePx side of the model's square uint8 RGB input, 8 to 1024
 * @property plan which crops are scored
 * @property decision how scores become an answer
 * @property precision int8, float32, float16, dynamic or int16x8
 * @property modelSha256 hex SHA-256 of the flatbuffer, the bytes before the appended archive
 * @property checkedOn interpreters that ran this very flatbuffer after it was made
 * @property provenance for people and reports, never for decisions: what [Json.parse] makes of it
 * @throws ContractException values out of range
 */
public data class Contract @JvmOverloads constructor(
    val schema: Int = SCHEMA,
    val name: String,
    val labels: List<String>,
    val bonaFide: String? = null,
    val sidePx: Int,
    val plan: CropPlan = CropPlan(),
    val decision: Decision = Decision(),
    val precision: String,
    val modelSha256: String,
    val checkedOn: List<String> = emptyList(),
    val provenance: Map<String, Any?> = emptyMap(),
) {
    /** The contract as JSON, with Python's keys in Python's order. */
    public fun toJson(): String = TODO()

    public companion object {
        /** The newest version of the format that this runtime reads. */
        public const val SCHEMA: Int = 1

        /** An answer that asks for another photo. */
        public const val RETAKE: String = "retake"

        /** An answer where no label is probable enough. */
        public const val UNKNOWN: String = "unknown"

        /**
         * Reads a contract, strictly.
         *
         * @throws ContractException no JSON, a newer schema, unknown or missing keys, wrong types, values out of range
         */
        @JvmStatic
        public fun fromJson(text: String): Contract = TODO(text)
    }
}
