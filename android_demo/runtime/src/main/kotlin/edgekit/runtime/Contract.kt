package edgekit.runtime

private const val MAX_SCALES = 64
private const val MIN_WORKING_PX = 64
internal const val MAX_WORKING_PX = 20_000
private const val MAX_NAME_LENGTH = 200
private const val MIN_SIDE_PX = 8
private const val MAX_HEADS = 16

// A contract is written in the oldest version that has all that it says, which older readers take as well.
private const val FIRST_SCHEMA = 1

// The version that each of these keys came with; a contract that says nothing of one is written without it.
private val SINCE = mapOf("heads" to 2, "regions" to 3, "unknown" to 3, "multi_label" to 3)

// Provenance is for people: nobody reads what is nested deeper, and writers of JSON recurse.
private const val MAX_DEPTH = 20
internal const val MAX_SHOWN = 200
private val FRACTION = Regex("([1-9][0-9]{0,2})/([1-9][0-9]{0,2})")
internal val SHA256 = Regex("[0-9a-f]{64}")
private val PRECISIONS = listOf("int8", "float32", "float16", "dynamic", "int16x8")

internal fun hold(holds: Boolean, message: () -> String) {
    if (!holds) throw ContractException(message())
}

/** The numerator and denominator of a scale such as `1/4`; null for `full`, `centre` and `native`. */
internal fun parseFraction(scale: String): Pair<Int, Int>? {
    if (scale == "full" || scale == "centre" || scale == "native") return null
    val (part, whole) = FRACTION.matchEntire(scale)?.destructured?.let { (a, b) -> a.toInt() to b.toInt() } ?: (1 to 0)
    hold(part <= whole) {
        "a crop scale must be full, centre, native or a fraction of the width up to 1 such as 1/4, got '$scale'"
    }
    return part to whole
}

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
public data class CropPlan @JvmOverloads @Throws(EdgekitException::class) constructor(
    val lead: List<String> = emptyList(),
    val cycle: List<String> = listOf("1/4"),
    val crops: Int = 10,
    val workingPx: Int? = null,
) {
    init {
        (lead + cycle).forEach { parseFraction(it) }
        hold(cycle.size in 1..MAX_SCALES && lead.size <= MAX_SCALES) {
            "a crop plan needs 1 to $MAX_SCALES cycled scales and at most $MAX_SCALES leading ones, got $cycle, $lead"
        }
        hold(crops in 1..Limits.MAX_CROPS) { "a crop plan must have 1 to ${Limits.MAX_CROPS} crops, got $crops" }
        hold(workingPx == null || workingPx in MIN_WORKING_PX..MAX_WORKING_PX) {
            "a photo's working side must be $MIN_WORKING_PX to $MAX_WORKING_PX px, got $workingPx"
        }
    }

    /** The scale of crop [index], from 0. */
    public fun scale(index: Int): String =
        if (index < lead.size) lead[index] else cycle[(index - lead.size) % cycle.size]

    /** The scales as the command line has them: `lead+lead:cycle,cycle`. */
    override fun toString(): String = (if (lead.isEmpty()) "" else lead.joinToString("+") + ":") + cycle.joinToString(",")

    internal fun toMap(): Map<String, Any?> =
        mapOf("lead" to lead, "cycle" to cycle, "crops" to crops, "working_px" to workingPx)

    internal companion object {
        val KEYS = setOf("lead", "cycle", "crops", "working_px")

        fun from(record: JsonRecord): CropPlan {
            val usual = CropPlan()
            return CropPlan(
                lead = record.orElse("lead", usual.lead) { strings(it) },
                cycle = record.orElse("cycle", usual.cycle) { strings(it) },
                crops = record.orElse("crops", usual.crops) { int(it) },
                workingPx = record.intOrNull("working_px"),
            )
        }
    }
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
public data class Decision @JvmOverloads @Throws(EdgekitException::class) constructor(
    val vote: Vote = Vote.MEAN_LOG,
    val temperature: Double = 1.0,
    val threshold: Double? = null,
    val abstain: Band? = null,
    val floor: Double? = null,
    val earlyStop: List<Double>? = null,
) {
    init {
        hold(temperature in 0.01..100.0) { "a temperature must lie in 0.01 to 100, got $temperature" }
        hold(threshold == null || threshold in 0.0..1.0) { "threshold must lie in 0 to 1, got $threshold" }
        hold(floor == null || floor in 0.0..1.0) { "floor must lie in 0 to 1, got $floor" }
        hold(abstain == null || (abstain.low >= 0 && abstain.low < abstain.high && abstain.high <= 1)) {
            "an abstain band must be 0 <= low < high <= 1, got ${abstain?.low} to ${abstain?.high}"
        }
        hold(earlyStop == null || earlyStop.all { it >= 0 && it < Double.POSITIVE_INFINITY }) {
            "bounds for stopping early must be 0 or more, got ${earlyStop.toString().take(MAX_SHOWN)}"
        }
        hold(earlyStop == null || floor == null) {
            "a decision that stops early must have no floor: \"unknown\" needs all crops"
        }
    }

    internal fun toMap(): Map<String, Any?> = mapOf(
        "vote" to vote.spelling,
        "temperature" to temperature,
        "threshold" to threshold,
        "abstain" to abstain?.let { listOf(it.low, it.high) },
        "floor" to floor,
        "early_stop" to earlyStop,
    )

    internal companion object {
        val KEYS = setOf("vote", "temperature", "threshold", "abstain", "floor", "early_stop")

        fun from(record: JsonRecord): Decision = Decision(
            vote = record.orElse("vote", Vote.MEAN_LOG) { key -> oneOf(key, Vote.entries) { it.spelling } },
            temperature = record.orElse("temperature", 1.0) { double(it) },
            threshold = record.doubleOrNull("threshold"),
            abstain = record.any("abstain")?.let { bandOf(record.doubles("abstain")) },
            floor = record.doubleOrNull("floor"),
            earlyStop = record.any("early_stop")?.let { record.doubles("early_stop") },
        )

        private fun bandOf(ends: List<Double>): Band {
            hold(ends.size == 2) { "an abstain band must be two numbers, got ${ends.size}" }
            return Band(ends[0], ends[1])
        }
    }
}

/**
 * Everything that a caller must know to use a model, and where the model came from: `edgekit.json`.
 *
 * @property schema version of the format: 3 with regions, unknown or several labels, else 2 with heads, else 1
 * @property name a name for people
 * @property labels one per output, in the order of the output
 * @property bonaFide the label of genuine photos, where all others are attacks; null in other tasks
 * @property sidePx side of the model's square uint8 RGB input, 8 to 1024
 * @property plan which crops are scored
 * @property heads the scales that have a head of their own, in the outputs' order: the first head's probabilities are the
 *   first output, those of all others the second; a crop is scored by the head of its scale. Null: one head
 * @property regions what is classified instead of the whole photo. Null: the whole photo
 * @property unknown when the answer is "unknown". Null: by the decision's floor, or never
 * @property multiLabel for a photo that may have several labels at once: from which probability on it has each, in the
 *   order of the labels, whose outputs are then sigmoids and need not sum to one. Null: exactly one label
 * @property decision how scores become an answer
 * @property precision int8, float32, float16, dynamic or int16x8
 * @property modelSha256 hex SHA-256 of the flatbuffer, the bytes before the appended archive
 * @property checkedOn interpreters that ran this very flatbuffer after it was made
 * @property provenance for people and reports, never for decisions: what [Json.parse] makes of it
 * @throws ContractException values out of range
 */
public data class Contract @JvmOverloads @Throws(EdgekitException::class) constructor(
    val schema: Int = FIRST_SCHEMA,
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
    val heads: List<String>? = null,
    val regions: RegionPlan? = null,
    val unknown: Unknown? = null,
    val multiLabel: List<Double>? = null,
) {
    /** How many numbers a head gives for a crop: one for each label, and one more where [unknown] has its own. */
    public val outputs: Int get() = labels.size + (unknown?.outputs ?: 0)

    /** What each output is of: the labels and, where unknown has an output of its own, that, as `labels.txt` has it. */
    public val outputLabels: List<String> get() = if (outputs > labels.size) labels + UNKNOWN else labels

    /** How many heads the model has. */
    public val headCount: Int get() = heads?.size ?: 1

    /** The working size of whole photos: null, which is that of the photo, where regions are looked for in them first. */
    public val photoWorkingPx: Int? get() = plan.workingPx.takeIf { regions == null }

    init {
        checkNames()
        checkSchema()
        checkHeads()
        checkUnknown()
        checkMultiLabel()
        for ((what, value) in listOf("threshold" to decision.threshold, "abstain band" to decision.abstain)) {
            hold(value == null || bonaFide != null) { "a decision with a $what ($value) needs a bona fide label, got none" }
        }
        val bounds = decision.earlyStop
        hold(bounds == null || bounds.size == plan.crops - 1) {
            "a plan of ${plan.crops} crops needs ${plan.crops - 1} bounds for stopping early, got ${bounds?.size}"
        }
        hold(sidePx in MIN_SIDE_PX..Limits.MAX_SIDE_PX) {
            "the input's side must be $MIN_SIDE_PX to ${Limits.MAX_SIDE_PX} px, got $sidePx"
        }
        hold(precision in PRECISIONS) { "a precision must be one of $PRECISIONS, got '${precision.take(MAX_SHOWN)}'" }
        hold(!isDeeper(provenance, MAX_DEPTH)) { "provenance must be nested at most $MAX_DEPTH deep, got more" }
        hold(SHA256.matches(modelSha256)) { "model_sha256 must be 64 hex digits, got '${modelSha256.take(MAX_SHOWN)}'" }
    }

    private fun checkNames() {
        hold(isPrintable(name) && name.codePointCount(0, name.length) <= MAX_NAME_LENGTH) {
            "a model's name must be printable and have at most $MAX_NAME_LENGTH characters, got '${name.take(MAX_SHOWN)}'"
        }
        hold(labels.size in 2..Limits.MAX_LABELS && labels.toSet().size == labels.size) {
            "a model needs 2 to ${Limits.MAX_LABELS} different labels, got ${labels.toString().take(MAX_SHOWN)}"
        }
        for (label in labels) {
            hold(label.any { it != ' ' } && isPrintable(label) && label != RETAKE && label != UNKNOWN) {
                "a label must be printable and not '$RETAKE' or '$UNKNOWN', got '${label.take(MAX_SHOWN)}'"
            }
        }
        hold(bonaFide == null || bonaFide in labels) { "the bona fide label must be one of $labels, got '$bonaFide'" }
    }

    private fun checkSchema() {
        val said = SINCE.keys.filter { saidOf(it) != null }
        val right = said.maxOfOrNull { SINCE.getValue(it) } ?: FIRST_SCHEMA
        hold(schema == right) {
            val what = if (said.isEmpty()) "without ${SINCE.keys.joinToString(" or ")}" else "with ${said.joinToString(" and ")}"
            "a contract $what must have schema $right, got $schema"
        }
    }

    /** What the contract says under a key that not every version has; null for nothing. */
    private fun saidOf(key: String): Any? = when (key) {
        "heads" -> heads
        "regions" -> regions?.toMap()
        "unknown" -> unknown?.toMap()
        else -> multiLabel
    }

    private fun checkUnknown() {
        if (unknown == null) return
        holdWithout("unknown", multiLabel, "several labels")
        holdWithout("unknown", bonaFide, "a bona fide label")
        holdWithout("unknown", decision.floor, "a floor")
        holdWithout("unknown", decision.earlyStop, "an early end: unknown needs all crops")
    }

    private fun checkMultiLabel() {
        val thresholds = multiLabel ?: return
        hold(thresholds.size == labels.size && thresholds.all { it > 0 && it < 1 }) {
            "multi_label must be a threshold above 0 and below 1 for each of ${labels.size} labels, got " +
                thresholds.toString().take(MAX_SHOWN)
        }
        for (label in labels) {
            hold(label != NOTHING && BETWEEN_LABELS !in label) {
                "a label beside others must not be '$NOTHING', nor have a '$BETWEEN_LABELS', got '${label.take(MAX_SHOWN)}'"
            }
        }
        holdWithout("several labels", bonaFide, "a bona fide label")
        holdWithout("several labels", heads, "heads")
        holdWithout("several labels", decision.floor, "a floor")
        holdWithout("several labels", decision.earlyStop, "an early end: every label needs all crops")
    }

    private fun holdWithout(what: String, value: Any?, other: String) =
        hold(value == null) { "a contract with $what must be without $other" }

    private fun checkHeads() {
        val scales = heads ?: return
        scales.forEach { parseFraction(it) }
        hold(scales.size in 2..MAX_HEADS && scales.toSet().size == scales.size) {
            "heads must be 2 to $MAX_HEADS different scales, got ${scales.toString().take(MAX_SHOWN)}"
        }
        hold(scales[0] == plan.scale(0)) {
            "the first head must be that of the plan's first crop, ${plan.scale(0)}, got ${scales[0]}"
        }
        val lacking = (plan.lead + plan.cycle).distinct() - scales.toSet()
        hold(lacking.isEmpty()) {
            "every scale of a plan must have a head, $plan has $lacking without one; the model has heads for $scales"
        }
    }

    /** Which head, by its number from 0, scores crop [index] of the plan; 0 where there is one head. */
    public fun headOf(index: Int): Int = heads?.indexOf(plan.scale(index)) ?: 0

    /** The contract as JSON, with Python's keys in Python's order. */
    public fun toJson(): String = Json.write(
        mapOf(
            "schema" to schema,
            "name" to name,
            "labels" to labels,
            "bona_fide" to bonaFide,
            "side_px" to sidePx,
            "plan" to plan.toMap(),
            // Readers of older versions refuse keys that these lack.
            *SINCE.keys.mapNotNull { key -> saidOf(key)?.let { key to it } }.toTypedArray(),
            "decision" to decision.toMap(),
            "precision" to precision,
            "model_sha256" to modelSha256,
            "checked_on" to checkedOn,
            "provenance" to provenance,
        ),
        indent = 2,
    ) + "\n"

    public companion object {
        /** The newest version of the format that this runtime reads. */
        public const val SCHEMA: Int = 3

        /** An answer that asks for another photo. */
        public const val RETAKE: String = "retake"

        /** An answer where no label is probable enough. */
        public const val UNKNOWN: String = "unknown"

        /** What a model of several labels answers where none is reached. */
        public const val NOTHING: String = "none"

        /** What stands between labels of which a photo has several. */
        public const val BETWEEN_LABELS: String = "|"

        private const val FILE = "edgekit.json"
        private val REQUIRED = setOf("name", "labels", "side_px", "precision", "model_sha256")
        private val OPTIONAL = setOf("schema", "bona_fide", "plan", "decision", "checked_on", "provenance")

        /**
         * Reads a contract, strictly.
         *
         * @throws ContractException no JSON, a newer schema, unknown or missing keys, wrong types, values out of range
         */
        @JvmStatic
        @Throws(EdgekitException::class)
        public fun fromJson(text: String): Contract {
            val raw = try {
                Json.parse(text)
            } catch (failure: RecordException) {
                throw ContractException("$FILE: ${failure.message}", failure)
            }
            val schema = (raw as? Map<*, *>)?.get("schema")
            if (schema is java.math.BigInteger && schema.signum() > 0 || schema is Long && schema > SCHEMA) {
                throw ContractException("$FILE has schema $schema, this app reads up to $SCHEMA: update the app")
            }
            val known = (schema as? Long)?.takeIf { it in FIRST_SCHEMA..SCHEMA }?.toInt()
                ?: throw ContractException("$FILE must have schema $FIRST_SCHEMA to $SCHEMA, got $schema".take(MAX_SHOWN))
            val optional = OPTIONAL + SINCE.filterValues { known >= it }.keys
            return from(known, JsonRecord(raw, FILE, REQUIRED, optional) { ContractException(it) })
        }

        private fun from(schema: Int, record: JsonRecord) = Contract(
            schema = schema,
            name = record.string("name"),
            labels = record.strings("labels"),
            bonaFide = record.stringOrNull("bona_fide"),
            sidePx = record.int("side_px"),
            plan = record.orElse("plan", CropPlan()) { CropPlan.from(record(it, emptySet(), CropPlan.KEYS)) },
            decision = record.orElse("decision", Decision()) { Decision.from(record(it, emptySet(), Decision.KEYS)) },
            precision = record.string("precision"),
            modelSha256 = record.string("model_sha256"),
            checkedOn = record.orElse("checked_on", emptyList()) { strings(it) },
            provenance = record.orElse("provenance", emptyMap()) { map(it) },
            heads = record.any("heads")?.let { record.strings("heads") },
            regions = record.any("regions")?.let {
                RegionPlan.from(record.record("regions", RegionPlan.REQUIRED, RegionPlan.OPTIONAL))
            },
            unknown = record.any("unknown")?.let {
                Unknown.from(record.record("unknown", Unknown.REQUIRED, Unknown.OPTIONAL))
            },
            multiLabel = record.any("multi_label")?.let { record.doubles("multi_label") },
        )
    }
}

internal inline fun <T> JsonRecord.orElse(key: String, usual: T, read: JsonRecord.(String) -> T): T =
    if (has(key)) read(key) else usual

/** One of several words; another, or no text at all, is refused. */
internal fun <T> JsonRecord.oneOf(key: String, all: List<T>, spelling: (T) -> String): T =
    all.firstOrNull { spelling(it) == any(key) }
        ?: throw ContractException("$where: $key must be one of ${all.map(spelling)}, got ${any(key)}".take(MAX_SHOWN))

/** Python's `str.isprintable`: no blanks other than the space, nothing invisible, private or unassigned. */
internal fun isPrintable(text: String): Boolean {
    var at = 0
    while (at < text.length) {
        val point = text.codePointAt(at)
        val isHidden = when (Character.getType(point).toByte()) {
            Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE, Character.UNASSIGNED -> true
            Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR, Character.SPACE_SEPARATOR -> point != ' '.code
            else -> false
        }
        if (isHidden) return false
        at += Character.charCount(point)
    }
    return true
}

/** Whether lists and objects are nested deeper than that; empty ones have no depth. */
private fun isDeeper(value: Any?, levels: Int): Boolean = when (value) {
    is Map<*, *> -> value.values.any { levels == 0 || isDeeper(it, levels - 1) }
    is List<*> -> value.any { levels == 0 || isDeeper(it, levels - 1) }
    else -> false
}
