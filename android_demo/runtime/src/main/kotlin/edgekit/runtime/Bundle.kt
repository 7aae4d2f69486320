package edgekit.runtime

import java.nio.ByteBuffer

/**
 * A model file, checked before any interpreter sees it: the archive bounded, the flatbuffer's SHA-256 compared, and what
 * it says gone through (structure, tensors, operators, memory and work).
 *
 * @property flatbuffer the TFLite model without the archive: direct, read-only to whoever behaves, in native order, from 0
 *   to its limit. An interpreter reads weights from it as long as it lives
 * @property contract that the file holds
 * @property fileSha256 hex SHA-256 of the whole file
 * @property memoryBytes the most memory that the model takes at a time beside its file
 */
public class Bundle private constructor(
    public val flatbuffer: ByteBuffer,
    public val contract: Contract,
    public val fileSha256: String,
    public val memoryBytes: Long,
) {
    public companion object {
        /**
         * Reads and checks a model file.
         *
         * @param content the whole file
         * @param name names the file in messages
         * @throws ContractException too large, no TFLite file, without contract, of a newer schema, changed since, or none
         *   that an interpreter may run
         */
        @JvmStatic
        @JvmOverloads
        public fun read(content: ByteArray, name: String = "model"): Bundle = read(ByteBuffer.wrap(content), name)

        /** Reads and checks what lies between a buffer's position and its limit; it is copied, not kept. */
        @JvmStatic
        @JvmOverloads
        public fun read(content: ByteBuffer, name: String = "model"): Bundle = TODO("$content $name")
    }
}
