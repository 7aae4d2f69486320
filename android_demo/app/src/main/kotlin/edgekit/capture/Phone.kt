package edgekit.capture

import android.app.ActivityManager
import android.content.Context
import android.content.Intent
import android.content.IntentFilter
import android.os.BatteryManager
import android.os.Build
import android.os.PowerManager
import android.os.SystemClock
import edgekit.capture.core.BenchDevice
import edgekit.capture.core.Machine
import edgekit.capture.core.PhoneFacts
import edgekit.capture.core.PhoneState

/** The phone as a benchmark describes it. */
class Phone(private val context: Context) : BenchDevice {
    override val cores: Int get() = Runtime.getRuntime().availableProcessors()
    private val machine = Machine(facts(), ::now)

    override fun machine(): Map<String, Any?> = machine.machine()

    override fun state(): Map<String, Any?> = machine.state()

    override fun hottestC(): Double? = machine.hottestC()

    override fun nowNs(): Long = System.nanoTime()

    override fun sleepMs(ms: Long) = SystemClock.sleep(ms)

    private fun facts(): PhoneFacts {
        val memory = ActivityManager.MemoryInfo().also(context.getSystemService(ActivityManager::class.java)::getMemoryInfo)
        return PhoneFacts(
            name = systemsName().ifEmpty { null },
            soc = soc(),
            architecture = System.getProperty("os.arch") ?: "unknown",
            system = "Android ${Build.VERSION.RELEASE}",
            kernel = "Linux ${System.getProperty("os.version") ?: ""}".trim(),
            cores = cores,
            memoryMb = (memory.totalMem shr 20).takeIf { it > 0 },
            isEmulator = Build.HARDWARE == "ranchu" || Build.HARDWARE == "goldfish",
        )
    }

    private fun soc(): String? {
        val named = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) {
            listOf(Build.SOC_MANUFACTURER, Build.SOC_MODEL).filter { it != Build.UNKNOWN }.joinToString(" ")
        } else {
            ""
        }
        return named.ifBlank { Build.HARDWARE.takeIf { it != Build.UNKNOWN && it.isNotBlank() } }
    }

    private fun now(): PhoneState {
        // Sticky: the last word is there without waiting for one.
        val battery = context.registerReceiver(null, IntentFilter(Intent.ACTION_BATTERY_CHANGED))
        val level = battery?.getIntExtra(BatteryManager.EXTRA_LEVEL, -1) ?: -1
        val scale = battery?.getIntExtra(BatteryManager.EXTRA_SCALE, -1) ?: -1
        val tenths = battery?.getIntExtra(BatteryManager.EXTRA_TEMPERATURE, Int.MIN_VALUE) ?: Int.MIN_VALUE
        return PhoneState(
            temperatures = if (tenths == Int.MIN_VALUE) null else listOf("battery" to tenths / 10.0),
            throttling = throttling(),
            batteryPercent = if (level >= 0 && scale > 0) 100.0 * level / scale else null,
            battery = BATTERY[battery?.getIntExtra(BatteryManager.EXTRA_STATUS, -1)],
        )
    }

    private fun throttling(): List<String>? {
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.Q) return null
        val status = context.getSystemService(PowerManager::class.java).currentThermalStatus
        return if (status == PowerManager.THERMAL_STATUS_NONE) emptyList() else listOf("thermal status ${THERMAL[status] ?: status}")
    }

    private companion object {
        val BATTERY = mapOf(
            BatteryManager.BATTERY_STATUS_CHARGING to "charging",
            BatteryManager.BATTERY_STATUS_DISCHARGING to "discharging",
            BatteryManager.BATTERY_STATUS_NOT_CHARGING to "not charging",
            BatteryManager.BATTERY_STATUS_FULL to "full",
        )
        val THERMAL = mapOf(1 to "light", 2 to "moderate", 3 to "severe", 4 to "critical", 5 to "emergency", 6 to "shutdown")
    }
}
