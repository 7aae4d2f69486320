package edgekit.capture.core

/** What is to be done with a camera, in order. */
sealed interface CameraOrder {
    /** Ask the system for the device. */
    data object Open : CameraOrder

    /** Join the streams to a session; where [isReduced], smaller ones than those that were refused. */
    data class Connect(val isReduced: Boolean) : CameraOrder

    /** Give back a device that came, or stays, when nobody wants it any more. */
    data object GiveBack : CameraOrder

    /** Let go of session, device and streams. */
    data object Release : CameraOrder

    /** Show the preview and offer frames. */
    data class Preview(val look: Look) : CameraOrder

    /** Measure focus and light at the point of the look; [FocusEnds][CameraLife.focusEnds] is due after a while. */
    data class Focus(val number: Int, val look: Look) : CameraOrder

    /** Take a photo; [late][CameraLife.late] is due after the longest time that one may take. */
    data class Shoot(val number: Int, val look: Look) : CameraOrder

    data class Tell(val event: CameraEvent) : CameraOrder
}

/** How the camera looks at the scene: the lamp, and the point that a person chose to focus on, if any. */
data class Look(val isTorchOn: Boolean = false, val focus: SensorPoint? = null)

/**
 * One camera from the moment that it is asked for to its end, without Camera2: what happens goes in, what is to be done
 * comes out.
 *
 * Shots and touches have numbers, so that a timer of an old one never ends a newer one. To be used on one thread.
 *
 * @param opened What is told when the preview runs.
 */
class CameraLife(private val opened: CameraEvent.Opened) {
    private enum class Phase { WAITING, OPENING, CONNECTING, RUNNING, LOST, CLOSED }

    private var phase = Phase.WAITING
    private var isReduced = false
    private var hasAnswer = true
    private var look = Look()
    private var shots = 0
    private var touches = 0
    private var shot: Int? = null

    // By the time of their exposure, in nanoseconds.
    private val exposed = HashMap<Long, Int>()

    /** Whether nothing comes of it any more: it is closed, and a device that was asked for has come or was refused. */
    val isOver: Boolean get() = phase == Phase.CLOSED && hasAnswer

    /** There is a view to show the picture in. */
    fun start(): List<CameraOrder> {
        if (phase != Phase.WAITING) return emptyList()
        phase = Phase.OPENING
        hasAnswer = false
        return listOf(CameraOrder.Open)
    }

    /** The system gave the device. */
    fun opened(): List<CameraOrder> {
        hasAnswer = true
        if (phase != Phase.OPENING) return listOf(CameraOrder.GiveBack)
        phase = Phase.CONNECTING
        return listOf(CameraOrder.Connect(isReduced))
    }

    /** The session is there. */
    fun connected(): List<CameraOrder> {
        if (phase != Phase.CONNECTING) return emptyList()
        phase = Phase.RUNNING
        return listOf(CameraOrder.Preview(look), CameraOrder.Tell(opened))
    }

    /** The device can't have these streams at the same time: smaller ones are tried once. */
    fun refused(): List<CameraOrder> {
        if (phase != Phase.CONNECTING) return emptyList()
        if (isReduced) return lost(Trouble.BROKEN)
        isReduced = true
        return listOf(CameraOrder.Connect(isReduced))
    }

    /** The device went away, was refused, or fails. */
    fun failed(trouble: Trouble): List<CameraOrder> {
        hasAnswer = true
        return if (phase == Phase.CLOSED) listOf(CameraOrder.GiveBack) else lost(trouble)
    }

    fun shoot(): List<CameraOrder> {
        // Whoever waits for a photo must hear of it.
        if (phase != Phase.RUNNING || shot != null) return listOf(CameraOrder.Tell(CameraEvent.ShotFailed))
        shot = ++shots
        return listOf(CameraOrder.Shoot(shots, look))
    }

    /** Shot [number] was exposed at a time of the camera's clock, which its photo names. */
    fun exposed(number: Int, atNs: Long): List<CameraOrder> {
        exposed[atNs] = number
        return emptyList()
    }

    /** A photo came, of an exposure at that time; null where it could not be read. */
    fun photo(jpeg: ByteArray?, atNs: Long? = null): List<CameraOrder> {
        val of = atNs?.let { exposed.remove(it) }
        // One that comes after its time is none of the shot that is waited for now.
        if (shot == null || phase != Phase.RUNNING || (of != null && of != shot)) return emptyList()
        shot = null
        return listOf(CameraOrder.Tell(if (jpeg == null) CameraEvent.ShotFailed else CameraEvent.Photo(jpeg)))
    }

    /** Shot [number] failed. */
    fun missed(number: Int): List<CameraOrder> = if (shot == number) photo(null) else emptyList()

    /** The time of shot [number] is up. */
    fun late(number: Int): List<CameraOrder> = missed(number)

    fun torch(isOn: Boolean): List<CameraOrder> {
        look = look.copy(isTorchOn = isOn)
        return preview()
    }

    fun focus(point: SensorPoint): List<CameraOrder> {
        if (phase != Phase.RUNNING) return emptyList()
        look = look.copy(focus = point)
        return listOf(CameraOrder.Focus(++touches, look))
    }

    /** The scene has changed since touch [number]: the camera follows it by itself again. */
    fun focusEnds(number: Int): List<CameraOrder> {
        if (number != touches || look.focus == null) return emptyList()
        look = look.copy(focus = null)
        return preview()
    }

    /** Nobody wants it any more. */
    fun close(): List<CameraOrder> {
        if (phase == Phase.CLOSED) return emptyList()
        phase = Phase.CLOSED
        shot = null
        return listOf(CameraOrder.Release)
    }

    private fun preview(): List<CameraOrder> = if (phase == Phase.RUNNING) listOf(CameraOrder.Preview(look)) else emptyList()

    private fun lost(trouble: Trouble): List<CameraOrder> {
        if (phase == Phase.LOST) return emptyList()
        phase = Phase.LOST
        shot = null
        return listOf(CameraOrder.GiveBack, CameraOrder.Tell(CameraEvent.Failed(trouble)))
    }
}
