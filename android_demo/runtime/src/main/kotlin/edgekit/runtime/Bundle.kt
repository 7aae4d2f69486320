package edgekit.runtime

import edgekit.runtime.verify.IDENTIFIER
import edgekit.runtime.verify.checkClassifier
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.CharBuffer
import java.nio.charset.CharacterCodingException
import java.security.MessageDigest

/**
 * A model file, checked before any interpreter sees it: the archive bounded, the flatbuffer's SHA-256 compared, and what
 * it says gone through (structure, tensors, operators, memory and work).
 *
 * @property flatbuffer the TFLite model without the archive: direct, in native order, from 0 to its limit. An interpreter
 *   reads weights from it as long as it lives; nobody may write to it
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
        private const val CONTRACT_NAME = "edgekit.json"
        private const val LABELS_NAME = "labels.txt"

        // Those of Python's splitlines; a line of its own lies between a carriage return and a line feed to most readers.
        private val LINE_ENDS = Regex("\r\n|[\n\r\u000b\u000c\u001c\u001d\u001e\u0085\u2028\u2029]")
        private const val MAX_SHOWN = 200

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
        @Throws(EdgekitException::class)
        public fun read(content: ByteArray, name: String = "model"): Bundle = read(ByteBuffer.wrap(content), name)

        /** Reads and checks what lies between a buffer's position and its limit; it is copied, not kept. */
        @JvmStatic
        @JvmOverloads
        @Throws(EdgekitException::class)
        public fun read(content: ByteBuffer, name: String = "model"): Bundle {
            val size = content.remaining()
            if (size > Limits.MAX_MODEL_BYTES) {
                throw ContractException("$name: a model must have at most ${Limits.MAX_MODEL_BYTES} bytes, got $size")
            }
            // What is checked is what is run: a mapped file may change in between.
            val file = ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder())
            file.put(content.duplicate())
            file.clear()
            if (size < 8 || (0 until 4).any { file.get(4 + it) != IDENTIFIER[it].code.toByte() }) {
                throw ContractException("$name must be a TFLite file (identifier $IDENTIFIER)")
            }
            return check(file, name)
        }

        private fun check(file: ByteBuffer, name: String): Bundle {
            val archive = Archive(file, name)
            val told = archive.read(CONTRACT_NAME)
                ?: throw ContractException("$name has no $CONTRACT_NAME inside: it was not made by edgekit")
            val contract = named(name) { Contract.fromJson(textOf(name, CONTRACT_NAME, told)) }
            val flatbuffer = part(file, 0, archive.start)
            val digest = MessageDigest.getInstance("SHA-256").apply { update(flatbuffer.duplicate()) }
            // The archive follows the flatbuffer, so its hash goes on to that of the file.
            val whole = digest.clone() as MessageDigest
            val sha256 = hex(digest.digest())
            if (sha256 != contract.modelSha256) {
                throw ContractException(
                    "$name was changed after it was made: SHA-256 must be ${contract.modelSha256}, got $sha256; copy it again",
                )
            }
            checkLabels(name, contract, textOf(name, LABELS_NAME, archive.read(LABELS_NAME) ?: ByteArray(0)))
            val checked = named(name) { checkClassifier(flatbuffer, contract) }
            whole.update(part(file, archive.start, file.limit()))
            return Bundle(flatbuffer, contract, hex(whole.digest()), checked.memoryBytes)
        }

        private fun checkLabels(name: String, contract: Contract, text: String) {
            val lines = text.split(LINE_ENDS).let { if (it.last().isEmpty()) it.dropLast(1) else it }
            if (lines != contract.labels) {
                val got = lines.toString().take(MAX_SHOWN)
                throw ContractException("$name: $LABELS_NAME must equal the contract's ${contract.labels}, got $got")
            }
        }

        private inline fun <T> named(name: String, work: () -> T): T = try {
            work()
        } catch (mistake: ContractException) {
            throw ContractException("$name: ${mistake.message}", mistake)
        }

        private fun part(file: ByteBuffer, start: Int, end: Int): ByteBuffer {
            val view = file.duplicate()
            view.limit(end)
            view.position(start)
            return view.slice().order(ByteOrder.nativeOrder())
        }

        private fun textOf(name: String, member: String, content: ByteArray): String = try {
            // Its decoder reports what is no UTF-8, where String's replaces it.
            val text: CharBuffer = Charsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(content))
            text.toString()
        } catch (failure: CharacterCodingException) {
            throw ContractException("$name: $member must be UTF-8: $failure", failure)
        }

        private fun hex(digest: ByteArray): String = digest.joinToString("") {
            // Not by a format, which follows the phone's language.
            (it.toInt() and 0xFF or 0x100).toString(16).substring(1)
        }
    }
}
