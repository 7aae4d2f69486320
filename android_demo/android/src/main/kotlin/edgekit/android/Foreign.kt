@file:JvmName("Foreign")

package edgekit.android

import java.io.IOException

/**
 * Does what another app takes part in, such as reading a file that it offers. Its failures cross over to this one as they
 * are, whatever they are.
 *
 * @throws IOException it failed
 */
@Throws(IOException::class)
public fun <T> foreign(work: () -> T): T = try {
    work()
} catch (failure: RuntimeException) {
    throw IOException("the app that has the file failed: ${failure.message ?: failure.javaClass.simpleName}", failure)
}
