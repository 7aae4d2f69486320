package edgekit.runtime

/**
 * A region of a frame, and what was said of it so far.
 *
 * @property number its identity, from 1, in the order of appearance; the same from frame to frame
 * @property seen the region and its answer at this frame alone
 * @property steady the answer, smoothed over time
 */
public data class Tracked(val number: Int, val seen: RegionVerdict, val steady: Smoothed)

/**
 * Keeps identities from frame to frame. Regions are matched greedily, the largest overlap first.
 *
 * A region that is out of sight for [KEPT_S] gets a new number when it comes back, and its answers begin anew. Nothing is
 * known of how things look: two people who change places while they cover each other change numbers. Not safe to use from
 * several threads.
 *
 * @property contract labels and decision of the model
 * @param tauS as for [Smoother]
 * @throws VideoException a time constant out of range
 */
public class Tracker @JvmOverloads @Throws(EdgekitException::class) constructor(
    public val contract: Contract,
    private val tauS: Double = Smoother.DEFAULT_TAU_S,
) {
    private class Track(val number: Int, val smoother: Smoother, var box: Box, var seenS: Double)

    private class Pair(val overlap: Double, val track: Track, val index: Int)

    private val tracks = ArrayList<Track>()
    private var lastNumber = 0
    private var lastS = Double.NEGATIVE_INFINITY

    init {
        // Where it is refused, that is at once.
        Smoother(contract, tauS)
    }

    /**
     * Adds one frame.
     *
     * @param timeS when the frame was taken, in seconds from any start
     * @return the frame's regions in their own order, each with its identity
     * @throws VideoException a time before the last frame's, or none at all (NaN)
     */
    @Throws(EdgekitException::class)
    public fun add(frame: RegionsVerdict, timeS: Double): List<Tracked> {
        if (timeS.isNaN() || timeS.isInfinite() || timeS < lastS) {
            throw VideoException("the times of frames must not go backwards, got $timeS s after $lastS s")
        }
        lastS = timeS
        tracks.removeAll { timeS - it.seenS > KEPT_S }
        val known = matched(frame.regions.map { it.region.box })
        return frame.regions.mapIndexed { index, seen ->
            val box = seen.region.box
            val track = known[index] ?: Track(++lastNumber, Smoother(contract, tauS), box, timeS).also { tracks.add(it) }
            track.box = box
            track.seenS = timeS
            Tracked(track.number, seen, track.smoother.add(seen.verdict, timeS))
        }
    }

    /** The tracks of those boxes that are known, by their place in the frame. */
    private fun matched(boxes: List<Box>): Map<Int, Track> {
        val pairs = boxes.flatMapIndexed { index, box -> tracks.map { Pair(overlap(box, it.box), it, index) } }
        val found = HashMap<Int, Track>()
        for (pair in pairs.sortedWith(compareBy({ -it.overlap }, { it.track.number }, { it.index }))) {
            val isFree = pair.index !in found && found.values.none { it === pair.track }
            if (pair.overlap >= LEAST_OVERLAP && isFree) found[pair.index] = pair.track
        }
        return found
    }

    public companion object {
        /** Between frames of a live camera a face moves by half of itself; what overlaps less is taken for another. */
        public const val LEAST_OVERLAP: Double = 0.3

        /** Seconds out of sight after which a region gets a new number. */
        public const val KEPT_S: Double = 1.0
    }
}

/** Intersection over union of two boxes; 0 where neither has an area. */
internal fun overlap(one: Box, other: Box): Double {
    val wide = maxOf(0, minOf(one.right, other.right) - maxOf(one.left, other.left)).toLong()
    val high = maxOf(0, minOf(one.bottom, other.bottom) - maxOf(one.top, other.top)).toLong()
    val union = one.widthPx.toLong() * one.heightPx + other.widthPx.toLong() * other.heightPx - wide * high
    return if (union > 0) (wide * high).toDouble() / union else 0.0
}
