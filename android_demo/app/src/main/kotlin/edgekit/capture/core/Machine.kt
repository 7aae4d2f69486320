package edgekit.capture.core

import java.io.File
import java.io.IOException

/** What the framework tells of a phone; null where it does not. */
data class PhoneFacts(
    val name: String?,
    val soc: String?,
    val architecture: String,
    val system: String,
    val kernel: String,
    val cores: Int,
    val memoryMb: Long?,
    val isEmulator: Boolean,
)

/**
 * What the framework tells of how a phone is doing.
 *
 * @property temperatures Sensor and °C.
 * @property throttling Empty where the system says that nothing slows it.
 */
data class PhoneState(
    val temperatures: List<Pair<String, Double>>?,
    val throttling: List<String>?,
    val batteryPercent: Double?,
    val battery: String?,
)

/**
 * A phone as the rows of a benchmark describe it: from the framework, and from what Linux tells in files.
 *
 * What can't be read is null, never guessed: newer Androids close many of these files.
 *
 * @param root Stands for `/`.
 */
class Machine(
    private val facts: PhoneFacts,
    private val now: () -> PhoneState,
    private val root: File = File("/"),
) {
    /** `machine` of a hello row. */
    fun machine(): Map<String, Any?> {
        val cpu = read("proc/cpuinfo")
        val isForeign = cpu != null && isForeign(cpu)
        return mapOf(
            "name" to facts.name,
            "soc" to facts.soc,
            "architecture" to facts.architecture,
            "system" to facts.system,
            "kernel" to facts.kernel,
            "libc" to null,
            "python" to null,
            "cores" to facts.cores,
            "usable_cores" to facts.cores,
            "clusters" to clusters(),
            "memory_mb" to facts.memoryMb,
            "int8_instructions" to if (cpu == null || isForeign) null else instructions(cpu),
            "virtual" to if (facts.isEmulator) true else null,
            "emulated" to isForeign,
            "state" to state(),
        )
    }

    /** `state` of a begin or finish row. */
    fun state(): Map<String, Any?> {
        val phone = now()
        return mapOf(
            "clocks_mhz" to perCore("scaling_cur_freq").mapNotNull { mhz(it.second) }.ifEmpty { null },
            "governors" to perCore("scaling_governor").map { it.second }.distinct().ifEmpty { null },
            "temperatures" to phone.temperatures?.map { (sensor, celsius) -> mapOf("sensor" to sensor, "celsius" to celsius) },
            "throttling" to phone.throttling,
            "battery_percent" to phone.batteryPercent,
            "battery" to phone.battery,
            "load" to null,
        )
    }

    /** The hottest sensor in °C. */
    fun hottestC(): Double? = now().temperatures?.maxOfOrNull { it.second }

    private fun clusters(): List<Map<String, Any?>>? {
        val clocks = perCore("cpuinfo_max_freq").mapNotNull { (core, text) -> mhz(text)?.let { core to it } }
        return clocks.groupBy({ it.second }, { it.first }).map { (clock, cores) ->
            mapOf("cores" to cores, "core" to null, "max_mhz" to clock)
        }.ifEmpty { null }
    }

    /** Number of a core and what its file says, in the order of the cores. */
    private fun perCore(name: String): List<Pair<Int, String>> {
        val folders = File(root, "sys/devices/system/cpu").list().orEmpty()
        return folders.mapNotNull { folder -> CORE.matchEntire(folder)?.let { it.groupValues[1].toInt() } }.sorted()
            .mapNotNull { core -> read("sys/devices/system/cpu/cpu$core/cpufreq/$name")?.let { core to it } }
    }

    private fun mhz(khz: String): Double? = khz.toDoubleOrNull()?.let { it / 1000 }

    private fun isForeign(cpu: String): Boolean {
        val isX86 = facts.architecture.lowercase() in listOf("x86_64", "amd64", "i686", "i386")
        val told = if (VENDOR.containsMatchIn(cpu)) true else if ("CPU implementer" in cpu) false else return false
        return told != isX86
    }

    private fun instructions(cpu: String): List<String>? {
        val flags = FLAGS.findAll(cpu).flatMap { it.groupValues[1].trim().split(' ') }.toSet()
        return if (flags.isEmpty()) null else flags.intersect(DOT_PRODUCTS).sorted()
    }

    private fun read(path: String): String? = try {
        File(root, path).inputStream().use { String(readBounded(it, MOST_BYTES)) }.trim { it <= ' ' }.ifEmpty { null }
    } catch (_: IOException) {
        null
    } catch (_: SecurityException) {
        null
    }

    private companion object {
        val CORE = Regex("cpu([0-9]{1,4})")
        val VENDOR = Regex("^vendor_id\\s*:", RegexOption.MULTILINE)
        val FLAGS = Regex("^(?:flags|Features)\\s*:(.*)$", RegexOption.MULTILINE)
        val DOT_PRODUCTS = setOf("avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm")
        const val MOST_BYTES = 256 * 1024
    }
}
