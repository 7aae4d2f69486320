@file:JvmName("Waiting")

package edgekit.runtime

import java.util.concurrent.ExecutionException
import java.util.concurrent.Future

/** What a piece of work gave or threw; an interrupt meanwhile stays for the caller to see. */
public fun <T> resultOf(future: Future<T>): T = try {
    uninterrupted { future.get() }
} catch (failure: ExecutionException) {
    throw failure.cause ?: failure
}

/** Waits through interrupts, which stay for the caller to see: a verdict takes milliseconds, and half of one is none. */
internal inline fun <T> uninterrupted(wait: () -> T): T {
    var wasInterrupted = false
    try {
        while (true) {
            try {
                return wait()
            } catch (_: InterruptedException) {
                wasInterrupted = true
            }
        }
    } finally {
        if (wasInterrupted) Thread.currentThread().interrupt()
    }
}
