package edgekit.runtime

import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.zip.CRC32
import java.util.zip.DataFormatException
import java.util.zip.Inflater

private const val MAX_MEMBERS = 32
private const val MAX_MEMBER_BYTES = 8 * 1024 * 1024
private const val MAX_DIRECTORY_BYTES = 1024 * 1024
private const val END_MARK = 0x06054b50
private const val LOCATOR_MARK = 0x07064b50
private const val ENTRY_MARK = 0x02014b50
private const val LOCAL_MARK = 0x04034b50
private const val END_BYTES = 22
private const val LOCATOR_BYTES = 20
private const val ENTRY_BYTES = 46
private const val LOCAL_BYTES = 30
private const val STORED = 0
private const val DEFLATED = 8

// Encrypted, patched, strongly encrypted.
private const val REFUSED_FLAGS = 0x1 or 0x20 or 0x40

/** One member of an archive's list, whose content lies at [start]. */
private class Member(val name: String, val method: Int, val crc: Long, val packed: Long, val size: Long, val local: Long) {
    var start = 0
}

/**
 * The archive behind a flatbuffer. Sizes are bounded, the list must say what the members say, and no two of them may
 * share bytes: readers of zip files disagree on all of this, and the file is anybody's.
 *
 * @param content the whole file, from 0 to its limit
 * @param name names the file in messages
 * @throws ContractException there is no archive that holds these rules
 */
internal class Archive(content: ByteBuffer, private val name: String) {
    private val bytes = content.duplicate().order(ByteOrder.LITTLE_ENDIAN).apply { clear() }
    private val length = bytes.limit()
    private val members: Map<String, Member>

    /** Where the archive starts, and the flatbuffer ends. */
    val start: Int

    init {
        val end = findEnd()
        val listed = uint32(end + 12)
        val count = uint16(end + 10)
        if (listed > MAX_DIRECTORY_BYTES || count !in 1..MAX_MEMBERS) {
            throw ContractException(
                "$name: the archive must have 1 to $MAX_MEMBERS files, got $count in a list of $listed bytes (at most " +
                    "$MAX_DIRECTORY_BYTES)",
            )
        }
        val list = end - listed
        // Places in the list count from the archive's start or from the file's.
        val shift = list - uint32(end + 16)
        if (list < 0 || shift < 0) broken("its list of members lies outside the file")
        val found = readList(list.toInt(), end, count)
        members = found.associateBy { it.name }
        if (members.size != found.size) {
            throw ContractException("$name: the archive's files must have different names, got ${found.map { it.name }}")
        }
        found.forEach { locate(it, shift, list) }
        val inOrder = found.sortedBy { it.local }
        for ((one, next) in inOrder.zipWithNext()) {
            if (one.start + one.packed > shift + next.local) broken("its members ${one.name} and ${next.name} overlap")
        }
        start = (shift + inOrder[0].local).toInt()
    }

    /** What a member holds; null where there is none of that name. */
    fun read(member: String): ByteArray? = members[member]?.let { unpacked(it) }

    private fun broken(what: String): Nothing = throw ContractException(
        "$name has no readable archive with edgekit.json ($what): it was cut short, or not made by edgekit",
    )

    private fun uint16(at: Int) = bytes.getShort(at).toInt() and 0xFFFF

    private fun uint32(at: Int) = bytes.getInt(at).toLong() and 0xFFFFFFFFL

    private fun text(at: Int, count: Int): String {
        val found = ByteArray(count)
        (bytes.duplicate().position(at) as ByteBuffer).get(found)
        if (found.contains(0)) broken("a member's name has a zero")
        return String(found, Charsets.UTF_8)
    }

    /** Where the end of the list is: the last one, with a comment up to the end of the file. */
    private fun findEnd(): Int {
        var at = length - END_BYTES
        val first = maxOf(0, at - 0xFFFF)
        while (at >= first && bytes.getInt(at) != END_MARK) at--
        if (at < first) broken("it has no list of members")
        if (at + END_BYTES + uint16(at + 20) != length) broken("something follows its list of members")
        val isWide = at >= LOCATOR_BYTES && bytes.getInt(at - LOCATOR_BYTES) == LOCATOR_MARK
        if (isWide || bytes.getInt(at + 4) != 0 || uint16(at + 8) != uint16(at + 10)) {
            broken("it lies in several files, or is a zip64 one")
        }
        return at
    }

    private fun readList(list: Int, end: Int, count: Int): List<Member> {
        var at = list
        val found = List(count) {
            if (at + ENTRY_BYTES > end || bytes.getInt(at) != ENTRY_MARK) broken("its list of members is damaged")
            val named = uint16(at + 28)
            val next = at + ENTRY_BYTES + named + uint16(at + 30) + uint16(at + 32)
            if (next > end) broken("its list of members is damaged")
            if (uint16(at + 8) and REFUSED_FLAGS != 0) broken("a member is encrypted")
            val member = Member(
                name = text(at + ENTRY_BYTES, named),
                method = uint16(at + 10),
                crc = uint32(at + 16),
                packed = uint32(at + 20),
                size = uint32(at + 24),
                local = uint32(at + 42),
            )
            checkMember(member)
            at = next
            member
        }
        if (at != end) broken("its list of members is longer than it says")
        return found
    }

    private fun checkMember(member: Member) {
        if (member.method != STORED && member.method != DEFLATED) {
            throw ContractException("$name: ${member.name} must be stored or deflated, got compression ${member.method}")
        }
        if (member.size > MAX_MEMBER_BYTES) {
            throw ContractException(
                "$name: ${member.name} must have at most $MAX_MEMBER_BYTES bytes, got ${member.size}",
            )
        }
    }

    /** Finds a member's content, whose own header must say what the list says. */
    private fun locate(member: Member, shift: Long, list: Long) {
        val header = shift + member.local
        if (header + LOCAL_BYTES > list) broken("${member.name} lies outside the archive")
        val at = header.toInt()
        val named = uint16(at + 26)
        val start = header + LOCAL_BYTES + named + uint16(at + 28)
        if (bytes.getInt(at) != LOCAL_MARK || start + member.packed > list) broken("${member.name} lies outside the archive")
        val isSame = text(at + LOCAL_BYTES, named) == member.name && uint16(at + 8) == member.method
        if (!isSame || uint16(at + 6) and REFUSED_FLAGS != 0) broken("${member.name} is another member than its list says")
        member.start = start.toInt()
    }

    private fun unpacked(member: Member): ByteArray {
        val packed = ByteArray(member.packed.toInt())
        (bytes.duplicate().position(member.start) as ByteBuffer).get(packed)
        val content = if (member.method == STORED) packed else inflate(member, packed)
        val crc = CRC32().apply { update(content) }
        if (content.size.toLong() != member.size || crc.value != member.crc) broken("${member.name} is damaged")
        return content
    }

    /** At most as many bytes as the list says: that is a claim, and bounded. */
    private fun inflate(member: Member, packed: ByteArray): ByteArray {
        val inflater = Inflater(true)
        try {
            inflater.setInput(packed)
            val content = ByteArray(member.size.toInt() + 1)
            var filled = 0
            while (!inflater.finished()) {
                val more = inflater.inflate(content, filled, content.size - filled)
                filled += more
                if (more == 0 && !inflater.finished()) broken("${member.name} is cut short or longer than it says")
            }
            return content.copyOf(filled)
        } catch (failure: DataFormatException) {
            broken("${member.name} is damaged: ${failure.message}")
        } finally {
            inflater.end()
        }
    }
}
