package edgekit.runtime

import edgekit.runtime.regions.MAX_DETECTOR_BYTES
import edgekit.runtime.regions.checkDetector
import edgekit.runtime.verify.IDENTIFIER
import edgekit.runtime.verify.checkClassifier
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.CharBuffer
import java.nio.charset.CharacterCodingException
import java.security.MessageDigest

/** Reads a file that lies beside a model file, such as a detector. */
public fun interface Beside {
    /**
     * What a file of the model's folder holds.
     *
     * @param limitBytes more than this is refused
     * @return null where there is no such file
     * @throws ContractException it can't be read, or has more bytes
     */
    @Throws(EdgekitException::class)
    public fun read(name: String, limitBytes: Int): ByteArray?
}

/**
 * A model file, checked before any interpreter sees it: the archive bounded, the flatbuffer's SHA-256 compared, and what
 * it says gone through (structure, tensors, operators, memory and work).
 *
 * @property flatbuffer the TFLite model without the archive: direct, in native order, from 0 to its limit. An interpreter
 *   reads weights from it as long as it lives; nobody may write to it
 * @property contract that the file holds
 * @property fileSha256 hex SHA-256 of the whole file
 * @property memoryBytes the most memory that the model takes at a time beside its file
 * @property detector the file that finds the contract's regions, checked alike: direct, in native order, from 0 to its
 *   limit; null where there are no regions
 */
public class Bundle private constructor(
    public val flatbuffer: ByteBuffer,
    public val contract: Contract,
    public val fileSha256: String,
    public val memoryBytes: Long,
    public val detector: ByteBuffer?,
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
         * @param beside reads a detector that lies beside the model file; null where nothing can
         * @throws ContractException too large, no TFLite file, without contract, of a newer schema, changed since, or none
         *   that an interpreter may run; or its detector is absent or another
         */
        @JvmStatic
        @JvmOverloads
        @Throws(EdgekitException::class)
        public fun read(content: ByteArray, name: String = "model", beside: Beside? = null): Bundle =
            read(ByteBuffer.wrap(content), name, beside)

        /** Reads and checks what lies between a buffer's position and its limit; it is copied, not kept. */
        @JvmStatic
        @JvmOverloads
        @Throws(EdgekitException::class)
        public fun read(content: ByteBuffer, name: String = "model", beside: Beside? = null): Bundle {
            val size = content.remaining()
            if (size > Limits.MAX_MODEL_BYTES) {
                throw ContractException("$name: a model must have at most ${Limits.MAX_MODEL_BYTES} bytes, got $size")
            }
            // What is checked is what is run: a mapped file may change in between.
            val file = direct(content.duplicate())
            if (size < 8 || (0 until 4).any { file.get(4 + it) != IDENTIFIER[it].code.toByte() }) {
                throw ContractException("$name must be a TFLite file (identifier $IDENTIFIER)")
            }
            return check(file, name, beside)
        }

        private fun direct(content: ByteBuffer): ByteBuffer {
            val copy = ByteBuffer.allocateDirect(content.remaining()).order(ByteOrder.nativeOrder())
            copy.put(content)
            copy.clear()
            return copy
        }

        private fun check(file: ByteBuffer, name: String, beside: Beside?): Bundle {
            val archive = Archive(file, name)
            val told = archive.read(CONTRACT_NAME)
                ?: throw ContractException("$name has no $CONTRACT_NAME inside: it was not made by edgekit")
            val contract = named(name) { Contract.fromJson(textOf(name, CONTRACT_NAME, told)) }
            val flatbuffer = part(file, 0, archive.start)
            val digest = MessageDigest.getInstance("SHA-256").apply { update(flatbuffer.duplicate()) }
            // The archive follows the flatbuffer, so its hash goes on to that of the file.
            val whole = digest.clone() as MessageDigest
            val sha256 = hexOf(digest.digest())
            if (sha256 != contract.modelSha256) {
                throw ContractException(
                    "$name was changed after it was made: SHA-256 must be ${contract.modelSha256}, got $sha256; copy it again",
                )
            }
            checkLabels(name, contract, textOf(name, LABELS_NAME, archive.read(LABELS_NAME) ?: ByteArray(0)))
            val checked = named(name) { checkClassifier(flatbuffer, contract) }
            val detector = named(name) { detectorOf(contract, archive.read(RegionPlan.DETECTOR_NAME), beside) }
            whole.update(part(file, archive.start, file.limit()))
            return Bundle(flatbuffer, contract, hexOf(whole.digest()), checked.memoryBytes, detector)
        }

        /** The detector of a contract's regions, checked; null where it has none. */
        private fun detectorOf(contract: Contract, inside: ByteArray?, beside: Beside?): ByteBuffer? {
            val plan = contract.regions
            val isPromised = plan?.place == DetectorPlace.INSIDE
            if (inside != null && !isPromised) {
                val name = RegionPlan.DETECTOR_NAME
                throw ContractException("its contract promises no $name inside, the archive has one; convert it again")
            }
            if (plan == null) return null
            if (inside == null && isPromised) {
                throw ContractException(
                    "it must have its ${plan.thing} detector inside, as ${RegionPlan.DETECTOR_NAME}; copy it again",
                )
            }
            val content = inside ?: besideOf(plan, beside)
            return direct(ByteBuffer.wrap(content)).also { checkDetector(it, plan) }
        }

        private fun besideOf(plan: RegionPlan, beside: Beside?): ByteArray {
            val name = plan.detectorFile
            if (beside == null) {
                throw ContractException(
                    "its ${plan.thing} detector lies beside it, as $name, which can't be reached from here: load the " +
                        "model by its file or asset, or convert it with the detector inside",
                )
            }
            return beside.read(name, MAX_DETECTOR_BYTES)
                ?: throw ContractException("$name: no such file; copy it from where the model was made")
        }

        private fun checkLabels(name: String, contract: Contract, text: String) {
            val lines = text.split(LINE_ENDS).let { if (it.last().isEmpty()) it.dropLast(1) else it }
            if (lines != contract.outputLabels) {
                val got = lines.toString().take(MAX_SHOWN)
                throw ContractException("$name: $LABELS_NAME must equal the contract's ${contract.outputLabels}, got $got")
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
    }
}

/** Hex digits of bytes. */
internal fun hexOf(digest: ByteArray): String = digest.joinToString("") {
    // Not by a format, which follows the phone's language.
    (it.toInt() and 0xFF or 0x100).toString(16).substring(1)
}
