@file:JvmName("Streams")

package edgekit.runtime

import java.io.ByteArrayOutputStream
import java.io.IOException
import java.io.InputStream

private const val READ_BYTES = 1 shl 16

/**
 * All bytes of a stream, whose length is only known once it was read; null where it has more than [limitBytes], of which
 * no more is read. The stream stays open.
 *
 * @throws IOException reading it failed
 */
@Throws(IOException::class)
public fun InputStream.readUpTo(limitBytes: Int): ByteArray? {
    val read = ByteArrayOutputStream()
    val block = ByteArray(READ_BYTES)
    while (true) {
        val count = read(block)
        if (count < 0) return read.toByteArray()
        if (count > limitBytes - read.size()) return null
        read.write(block, 0, count)
    }
}
