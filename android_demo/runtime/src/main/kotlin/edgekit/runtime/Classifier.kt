package edgekit.runtime

import edgekit.runtime.regions.Detector
import edgekit.runtime.regions.regionPhoto
import java.io.Closeable
import java.util.concurrent.locks.ReentrantReadWriteLock
import kotlin.concurrent.read
import kotlin.concurrent.write

/**
 * A loaded model that turns photos into verdicts. Usable from several threads.
 *
 * @property contract of the model file
 * @param models one for each crop that is scored at the same time, 1 to 256; the classifier closes them
 * @param wide makes a model with as many threads as there are [models], for calls for one crop, when the first such call
 *   comes; null: one of [models] scores it
 * @param detector finds the contract's regions; null where it has none. The classifier closes it
 * @throws ContractException a model's side, outputs or heads are not those that the contract promises, or it has regions
 *   and there is no detector, or the other way round; all are closed then
 */
public class Classifier @JvmOverloads @Throws(EdgekitException::class) constructor(
    public val contract: Contract,
    models: List<Model>,
    wide: (() -> Model)? = null,
    detector: DetectorModel? = null,
) : Closeable {
    private val lock = ReentrantReadWriteLock()
    private var workers: Workers?
    private val detector: Detector?

    /** Name and version of what runs the model. */
    public val engine: String

    /** How many crops are scored at the same time. */
    public val threads: Int = models.size

    init {
        try {
            hold(models)
            if ((detector == null) != (contract.regions == null)) {
                val rule = if (detector == null) "a contract with regions needs a detector" else "a detector needs a contract with regions"
                throw ContractException("$rule, got none")
            }
        } catch (mistake: ContractException) {
            models.forEach { it.close() }
            detector?.close()
            throw mistake
        }
        this.detector = contract.regions?.let { Detector(detector!!, it) }
        engine = models[0].engine
        workers = Workers(models, wide, contract::headOf, contract.multiLabel == null)
    }

    private fun hold(models: List<Model>) {
        if (models.size !in 1..Limits.MAX_THREADS) {
            throw ContractException("threads must be 1 to ${Limits.MAX_THREADS}, got ${models.size} models")
        }
        val promised = Triple(contract.sidePx, contract.outputs, contract.headCount)
        for (model in models) {
            val actual = Triple(model.sidePx, model.classes, model.heads)
            if (actual != promised) {
                throw ContractException("the contract promises side, outputs and heads $promised, the model has $actual")
            }
        }
    }

    /**
     * Classifies a photo at its working size; with regions, at its own size, and of its one region.
     *
     * @param crops score exactly so many crops, 1 to 1000; null: the contract's number, or fewer where it can stop early
     * @param stopEarly whether the contract's bounds may end the work before its last crop
     * @param decodeMs what it took to get the pixels, for the verdict's own split
     * @throws PhotoException less than 8x8 pixels, or another working size than the contract's; with regions, none or
     *   several, of which none is guessed ([classifyRegions] answers for each)
     * @throws ContractException a number of crops that can't be had, scores that are no probabilities, or closed
     * @throws ModelException the interpreter failed
     */
    @JvmOverloads
    @Throws(EdgekitException::class)
    public fun classify(photo: Photo, crops: Int? = null, stopEarly: Boolean = true, decodeMs: Double = 0.0): Verdict =
        working(crops) { workers ->
            val watch = Stopwatch(decodeMs)
            score(workers, ofInterest(photo).also { watch.decoded() }, crops, stopEarly, watch)
        }

    /** Classifies pixels of full size, which are brought to their working size first; that counts as decoding. */
    @JvmOverloads
    @Throws(EdgekitException::class)
    public fun classify(pixels: Pixels, crops: Int? = null, stopEarly: Boolean = true, decodeMs: Double = 0.0): Verdict =
        working(crops) { workers ->
            val watch = Stopwatch(decodeMs)
            val photo = Photo.of(pixels, contract.photoWorkingPx) { count, work -> workers.each(count, work) }
            score(workers, ofInterest(photo).also { watch.decoded() }, crops, stopEarly, watch)
        }

    /**
     * Classifies each region of a photo: with two faces there are two answers, without any there is none.
     *
     * @param photo at its own size
     * @param crops score exactly so many crops of each region; null: the contract's number, or fewer
     * @param stopEarly whether the contract's bounds may end the work before a region's last crop
     * @param decodeMs what it took to get the pixels
     * @throws ContractException the model classifies whole photos; else as [classify]
     * @throws PhotoException less than 8x8 pixels, or not at its own size
     * @throws ModelException the interpreter failed
     */
    @JvmOverloads
    @Throws(EdgekitException::class)
    public fun classifyRegions(
        photo: Photo,
        crops: Int? = null,
        stopEarly: Boolean = true,
        decodeMs: Double = 0.0,
    ): RegionsVerdict = working(crops) { workers ->
        val finder = detector ?: throw ContractException(
            "classifyRegions needs a model of regions, got one of whole photos; use classify",
        )
        val began = System.nanoTime()
        val places = finder.find(photo)
        val detectMs = (System.nanoTime() - began) / NS_PER_MS
        val answers = places.map { region ->
            val watch = Stopwatch(0.0)
            val square = regionPhoto(photo, region, contract.plan.workingPx)
            watch.decoded()
            RegionVerdict(region, score(workers, square, crops, stopEarly, watch))
        }
        RegionsVerdict(finder.plan.thing, photo.size, answers, decodeMs, detectMs)
    }

    /** What crops are cut from: the photo or, with regions, the square of its one region. */
    private fun ofInterest(photo: Photo): Photo {
        val finder = detector ?: return photo.also { checkPhoto(it) }
        val places = finder.find(photo)
        if (places.size != 1) {
            val found = if (places.isEmpty()) "none" else "${places.size}: use classifyRegions, which answers for each"
            throw PhotoException("a photo must have one ${finder.plan.thing}, got $found")
        }
        return regionPhoto(photo, places[0], contract.plan.workingPx)
    }

    private inline fun <T> working(crops: Int?, work: (Workers) -> T): T = lock.read {
        if (crops != null && crops !in 1..Limits.MAX_CROPS) {
            throw ContractException("crops must be 1 to ${Limits.MAX_CROPS}, got $crops")
        }
        work(workers ?: throw ContractException("this Classifier is closed; load the model again"))
    }

    private fun score(workers: Workers, photo: Photo, crops: Int?, stopEarly: Boolean, watch: Stopwatch): Verdict {
        val boxes = cropBoxes(contract.plan, photo.size, contract.sidePx, crops)
        val isBounded = stopEarly && crops == null && contract.decision.earlyStop != null
        val scores = ArrayList<FloatArray>()
        workers.score(photo, boxes) { one ->
            scores.add(one.probabilities)
            watch.worked(one.cropNs, one.invokeNs)
            !(isBounded && scores.size < boxes.size && mayStop(scores, contract))
        }
        watch.scored()
        val (voted, unknown) = voteAll(scores, contract)
        val (label, score) = decide(voted, contract, unknown)
        return Verdict(
            label,
            score,
            contract.labels.zip(voted.asList()).toMap(),
            scores.mapIndexed { index, row -> CropScore(boxes[index], row.asList()) },
            watch.voted(),
            photo.size,
            labelsReached(voted, contract),
            unknown,
        )
    }

    private fun checkPhoto(photo: Photo) {
        val least = Limits.MIN_SIDE_PX
        if (minOf(photo.size.widthPx, photo.size.heightPx) < least) {
            throw PhotoException("a photo must be at least ${least}x$least px, got ${photo.size}")
        }
        val shrink = shrinkFor(photo.size, contract.plan.workingPx)
        if (photo.shrink != shrink) {
            throw PhotoException("a photo of ${photo.size} must be worked on at 1/$shrink, got 1/${photo.shrink}")
        }
    }

    /** Frees the models; what is being scored is finished first. */
    override fun close() {
        lock.write {
            if (workers != null) detector?.close()
            workers?.close()
            workers = null
        }
    }
}
