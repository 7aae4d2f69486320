package edgekit.runtime

private const val MAX_REGIONS = 100

// In parts of a region's side.
private const val MAX_MARGIN = 2.0

/** Which detector finds regions: how its outputs are read. */
public enum class DetectorKind(
    /** As the contract spells it. */
    public val spelling: String,
) {
    /** MediaPipe's, for faces within two metres. */
    BLAZEFACE_SHORT("blazeface-short"),

    /** MediaPipe's, for faces before a phone's back camera. */
    BLAZEFACE_BACK("blazeface-back"),

    /** MediaPipe's, for faces within five metres. */
    BLAZEFACE_FULL("blazeface-full"),
}

/** Where the detector's file is. */
public enum class DetectorPlace(
    /** As the contract spells it. */
    public val spelling: String,
) {
    /** In the model file, as [RegionPlan.DETECTOR_NAME] of its archive. */
    INSIDE("inside"),

    /** In the model's folder, by the name [RegionPlan.detectorFile]. */
    BESIDE("beside"),
}

/** How a region's square is turned. */
public enum class Alignment(
    /** As the contract spells it. */
    public val spelling: String,
) {
    /** It stays upright. */
    NONE("none"),

    /** The eyes are level. */
    EYES("eyes"),
}

/**
 * What is classified instead of the whole photo: squares around what a detector finds in it. The crop plan is applied to
 * each square as if it were the photo.
 *
 * @property detector how the detector's outputs are read
 * @property detectorSha256 hex SHA-256 of the detector's file
 * @property place where that file is
 * @property margin what is added on each side of what was found, in parts of its longer side, 0 to 2
 * @property align how the square is turned
 * @property leastScore what the detector is less sure of is left out, above 0 to 1
 * @property iou above this intersection over union, boxes are of one and the same thing, above 0 to 1
 * @property most the surest so many are taken, 1 to 100
 * @property leastPx what is smaller, by its longer side in the photo's own pixels, is left out, 1 to 20000
 * @throws ContractException values out of range
 */
public data class RegionPlan @JvmOverloads @Throws(EdgekitException::class) constructor(
    val detector: DetectorKind,
    val detectorSha256: String,
    val place: DetectorPlace = DetectorPlace.INSIDE,
    val margin: Double = 0.25,
    val align: Alignment = Alignment.NONE,
    val leastScore: Double = 0.5,
    val iou: Double = 0.3,
    val most: Int = 20,
    val leastPx: Int = 24,
) {
    init {
        hold(SHA256.matches(detectorSha256)) {
            "detector_sha256 must be 64 hex digits, got '${detectorSha256.take(MAX_SHOWN)}'"
        }
        hold(margin in 0.0..MAX_MARGIN) { "a region's margin must lie in 0 to $MAX_MARGIN, got $margin" }
        for ((name, value) in listOf("least_score" to leastScore, "iou" to iou)) {
            hold(value > 0 && value <= 1) { "$name must lie above 0, and at most at 1, got $value" }
        }
        hold(most in 1..MAX_REGIONS) { "most must be 1 to $MAX_REGIONS regions, got $most" }
        hold(leastPx in 1..MAX_WORKING_PX) { "least_px must be 1 to $MAX_WORKING_PX px, got $leastPx" }
    }

    /** What the detector finds, for people. */
    public val thing: String get() = "face"

    /** The detector's name where it lies beside the model file. */
    public val detectorFile: String get() = "detector-${detectorSha256.take(SHORT_HASH)}.tflite"

    internal fun toMap(): Map<String, Any?> = mapOf(
        "detector" to detector.spelling,
        "detector_sha256" to detectorSha256,
        "place" to place.spelling,
        "margin" to margin,
        "align" to align.spelling,
        "least_score" to leastScore,
        "iou" to iou,
        "most" to most,
        "least_px" to leastPx,
    )

    public companion object {
        /** The detector's name in the archive of a model file. */
        public const val DETECTOR_NAME: String = "detector.tflite"

        private const val SHORT_HASH = 12
        internal val REQUIRED = setOf("detector", "detector_sha256")
        internal val OPTIONAL = setOf("place", "margin", "align", "least_score", "iou", "most", "least_px")

        internal fun from(record: JsonRecord): RegionPlan {
            val detector = record.oneOf("detector", DetectorKind.entries) { it.spelling }
            val usual = RegionPlan(detector, record.string("detector_sha256"))
            return RegionPlan(
                detector = detector,
                detectorSha256 = usual.detectorSha256,
                place = record.orElse("place", usual.place) { key -> oneOf(key, DetectorPlace.entries) { it.spelling } },
                margin = record.orElse("margin", usual.margin) { double(it) },
                align = record.orElse("align", usual.align) { key -> oneOf(key, Alignment.entries) { it.spelling } },
                leastScore = record.orElse("least_score", usual.leastScore) { double(it) },
                iou = record.orElse("iou", usual.iou) { double(it) },
                most = record.orElse("most", usual.most) { int(it) },
                leastPx = record.orElse("least_px", usual.leastPx) { int(it) },
            )
        }
    }
}
