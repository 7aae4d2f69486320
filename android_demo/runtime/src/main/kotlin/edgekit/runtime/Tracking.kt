package edgekit.runtime

import edgekit.runtime.regions.overlap

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
    private class Track(val number: Int, val smoother: Smoother, var edges: DoubleArray, var seenS: Double)

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
        val edges = frame.regions.map { edgesOf(it.region.box) }
        val known = matched(edges)
        return frame.regions.mapIndexed { index, seen ->
            val track = known[index] ?: Track(++lastNumber, Smoother(contract, tauS), edges[index], timeS).also { tracks.add(it) }
            track.edges = edges[index]
            track.seenS = timeS
            Tracked(track.number, seen, track.smoother.add(seen.verdict, timeS))
        }
    }

    /** The tracks of those boxes that are known, by their place in the frame. */
    private fun matched(edges: List<DoubleArray>): Map<Int, Track> {
        val pairs = edges.flatMapIndexed { index, box -> tracks.map { Pair(overlap(box, it.edges), it, index) } }
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

/** A box as [overlap] takes it. */
internal fun edgesOf(box: Box): DoubleArray = box.run {
    doubleArrayOf(left.toDouble(), top.toDouble(), right.toDouble(), bottom.toDouble())
}
