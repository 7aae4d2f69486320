package edgekit.runtime

import java.util.ArrayDeque
import java.util.concurrent.Callable
import java.util.concurrent.CancellationException
import java.util.concurrent.Executors
import java.util.concurrent.Future
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.locks.ReentrantLock
import java.util.concurrent.locks.ReentrantReadWriteLock
import kotlin.concurrent.read
import kotlin.concurrent.write

/**
 * Pixels that a caller lends for one call. They may lie in a camera's own memory, which is another frame's as soon as the
 * call returns: nobody reads them after [end].
 */
private class Loan {
    private val lock = ReentrantReadWriteLock()

    @Volatile
    private var isOver = false

    /** Does work on the pixels; where they were given back before it began, nobody waits for its result. */
    fun <T> use(work: () -> T): T {
        if (isOver) throw CancellationException()
        return lock.read { if (isOver) throw CancellationException() else work() }
    }

    /** Lets nobody begin any more, and waits for those that are reading. */
    fun end() {
        isOver = true
        lock.write {}
    }
}

/** One crop's probabilities and what cutting and inference took. */
internal class Scored(val probabilities: FloatArray, val cropNs: Long, val invokeNs: Long)

/**
 * Scores the crops of a photo, several at a time: each worker cuts a crop and runs it through a model of its own.
 *
 * A crop that is alone leaves the other cores idle, so a call for one crop has a model of its own with all threads.
 *
 * @param headOf which head scores the crop at a place in the plan
 * @param isOneOf whether exactly one label is right, so that probabilities sum to one
 */
internal class Workers(
    private val models: List<Model>,
    private val makeWide: (() -> Model)?,
    private val headOf: (Int) -> Int,
    private val isOneOf: Boolean,
) {
    private val free = LinkedBlockingQueue(models)
    private val pool = if (models.size == 1) null else Executors.newFixedThreadPool(models.size) { work ->
        Thread(work, "edgekit").apply { isDaemon = true }
    }
    private val wideLock = ReentrantLock()
    private var wide: Model? = null

    /**
     * Scores boxes in their order and hands each to [take], until that says false; boxes that may have been begun then
     * have no effect.
     */
    fun score(photo: Photo, boxes: List<Box>, take: (Scored) -> Boolean) {
        when {
            pool == null -> boxes.withIndex().all { (index, box) -> take(one(photo, box, index)) }
            boxes.size == 1 -> take(alone(photo, boxes[0]))
            else -> {
                val waiting = ArrayDeque<Future<Scored>>()
                val loan = Loan()
                try {
                    workAhead(waiting, boxes, take) { index -> one(photo, boxes[index], index, loan) }
                } finally {
                    for (future in waiting) future.cancel(false)
                    // What is in an interpreter already has its pixels, and is not waited for.
                    loan.end()
                }
            }
        }
    }

    private fun workAhead(
        waiting: ArrayDeque<Future<Scored>>,
        boxes: List<Box>,
        take: (Scored) -> Boolean,
        work: (Int) -> Scored,
    ) {
        var next = 0
        repeat(boxes.size) {
            while (next < boxes.size && waiting.size <= models.size) {
                val index = next++
                waiting.add(pool!!.submit(Callable { work(index) }))
            }
            if (!take(resultOf(waiting.remove()))) return
        }
    }

    /** Runs the work of so many strips by all threads and waits for it. */
    fun each(count: Int, work: (Int) -> Unit) {
        if (pool == null) {
            for (number in 0 until count) work(number)
            return
        }
        val next = AtomicInteger()
        val loan = Loan()
        val loop = Callable {
            while (true) {
                val number = next.getAndIncrement()
                if (number >= count) break
                loan.use { work(number) }
            }
        }
        try {
            List(minOf(count, models.size)) { pool.submit(loop) }.forEach { resultOf(it) }
        } finally {
            loan.end()
        }
    }

    /** One crop by all threads; where another caller has them, by one thread of the others. */
    private fun alone(photo: Photo, box: Box): Scored {
        if (makeWide == null || !wideLock.tryLock()) return one(photo, box, 0)
        try {
            val model = wide ?: makeWide.invoke().also { wide = it }
            val beganNs = System.nanoTime()
            val tensor = toTensor(photo, box, model.sidePx)
            return scored(model, tensor, 0, beganNs, System.nanoTime())
        } finally {
            wideLock.unlock()
        }
    }

    private fun one(photo: Photo, box: Box, index: Int, loan: Loan = Loan()): Scored {
        val beganNs = System.nanoTime()
        val tensor = loan.use { toTensor(photo, box, models[0].sidePx) }
        val model = uninterrupted { free.take() }
        try {
            return scored(model, tensor, index, beganNs, System.nanoTime())
        } finally {
            free.add(model)
        }
    }

    private fun scored(model: Model, tensor: ByteArray, index: Int, beganNs: Long, cutNs: Long): Scored {
        val probabilities = model.score(tensor, index, headOf(index))
        val doneNs = System.nanoTime()
        checkProbabilities(probabilities, model.classes, isOneOf)
        return Scored(probabilities, cutNs - beganNs, doneNs - cutNs)
    }

    /** Ends the threads and frees all models; what is being scored is finished first. */
    fun close() {
        pool?.shutdown()
        uninterrupted { pool?.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS) }
        models.forEach { it.close() }
        wide?.close()
    }
}

// How far the sum of a crop's probabilities may be from one: float32 rounds in the sixth place, and delegates in half
// precision in the fourth.
private const val SUM_TOLERANCE = 1e-3

/** Holds that a crop's scores are probabilities, and that they sum to one where only one label is right. */
internal fun checkProbabilities(scores: FloatArray, classes: Int, isOneOf: Boolean) {
    val sum = scores.sumOf { it.toDouble() }
    // "Not all within" rather than "one beyond": NaN fails.
    val isSum = !isOneOf || kotlin.math.abs(sum - 1) <= SUM_TOLERANCE
    if (scores.size != classes || !scores.all { it in 0f..1f } || !isSum) {
        val (rule, lacking) = if (isOneOf) "that sum to 1" to "softmax" else "within 0 to 1" to "sigmoids"
        throw ContractException(
            "a model's outputs must be $classes probabilities $rule, got ${scores.take(10)} with the sum $sum; " +
                "does it lack its $lacking?",
        )
    }
}
