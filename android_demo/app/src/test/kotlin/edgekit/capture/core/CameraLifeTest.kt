package edgekit.capture.core

import edgekit.capture.core.CameraOrder.Connect
import edgekit.capture.core.CameraOrder.Focus
import edgekit.capture.core.CameraOrder.GiveBack
import edgekit.capture.core.CameraOrder.Open
import edgekit.capture.core.CameraOrder.Preview
import edgekit.capture.core.CameraOrder.Release
import edgekit.capture.core.CameraOrder.Shoot
import edgekit.capture.core.CameraOrder.Tell
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test

/** What follows from what happens to a camera, as tables. */
class CameraLifeTest {
    private val told = CameraEvent.Opened(hasTorch = true, canSwitch = true, isFront = false, lens = "back")
    private val here = SensorPoint(0.2, 0.3)
    private val there = SensorPoint(0.8, 0.7)
    private val photo = CameraEvent.Photo(byteArrayOf(1))
    private val missed = Tell(CameraEvent.ShotFailed)

    private class Step(val what: String, val orders: List<CameraOrder>, val happens: CameraLife.() -> List<CameraOrder>)

    private fun step(what: String, vararg orders: CameraOrder, happens: CameraLife.() -> List<CameraOrder>) =
        Step(what, orders.toList(), happens)

    private fun play(vararg steps: Step): CameraLife {
        val life = CameraLife(told)
        steps.forEachIndexed { index, it -> assertEquals("step $index, ${it.what}", names(it.orders), names(life.(it.happens)())) }
        return life
    }

    // Photos are equal by what they are, not by which object.
    private fun names(orders: List<CameraOrder>) =
        orders.map { if (it is Tell && it.event is CameraEvent.Photo) "photo ${(it.event as CameraEvent.Photo).jpeg.toList()}" else "$it" }

    private val running = arrayOf(
        step("a view", Open) { start() },
        step("the device", Connect(false)) { opened() },
        step("the session", Preview(Look()), Tell(told)) { connected() },
    )

    @Test
    fun `it is asked for once, and told when the preview runs`() {
        play(*running, step("the view again") { start() }, step("the session again") { connected() })
    }

    @Test
    fun `a photo is told once, and its timer then ends nothing`() {
        play(
            *running,
            step("the shutter", Shoot(1, Look())) { shoot() },
            step("the photo", Tell(photo)) { photo(byteArrayOf(1)) },
            step("the photo twice") { photo(byteArrayOf(1)) },
            step("the next shutter", Shoot(2, Look())) { shoot() },
            step("the timer of the first") { late(1) },
            step("a failure of the first") { missed(1) },
            step("the second photo", Tell(photo)) { photo(byteArrayOf(1)) },
            step("the timer of the second") { late(2) },
        )
    }

    @Test
    fun `a photo that does not come is told, whatever the reason`() {
        play(*running, step("the shutter", Shoot(1, Look())) { shoot() }, step("too late", missed) { late(1) }, step("then it comes") { photo(byteArrayOf(1)) })
        play(*running, step("the shutter", Shoot(1, Look())) { shoot() }, step("a failure", missed) { missed(1) }, step("the timer") { late(1) })
        play(*running, step("the shutter", Shoot(1, Look())) { shoot() }, step("unreadable", missed) { photo(null) })
        play(*running, step("the shutter", Shoot(1, Look())) { shoot() }, step("the shutter twice", missed) { shoot() })
        play(step("a shutter before anything", missed) { shoot() })
        play(running[0], running[1], step("a shutter before the session", missed) { shoot() })
    }

    @Test
    fun `a photo that comes after its time is none of the next shot's`() {
        val second = CameraEvent.Photo(byteArrayOf(2))
        play(
            *running,
            step("the shutter", Shoot(1, Look())) { shoot() },
            step("its exposure") { exposed(1, 100) },
            step("too late", missed) { late(1) },
            step("the next shutter", Shoot(2, Look())) { shoot() },
            step("its exposure") { exposed(2, 200) },
            step("the photo of the first") { photo(byteArrayOf(1), 100) },
            step("its own photo", Tell(second)) { photo(byteArrayOf(2), 200) },
            step("the third shutter", Shoot(3, Look())) { shoot() },
            step("a photo of no exposure that was told", Tell(photo)) { photo(byteArrayOf(1), 300) },
        )
    }

    @Test
    fun `a touch keeps its point for photos, and only its own timer ends it`() {
        play(
            *running,
            step("a touch", Focus(1, Look(focus = here))) { focus(here) },
            step("the shutter", Shoot(1, Look(focus = here))) { shoot() },
            step("the photo", Tell(photo)) { photo(byteArrayOf(1)) },
            step("a newer touch", Focus(2, Look(focus = there))) { focus(there) },
            step("the timer of the older") { focusEnds(1) },
            step("the lamp", Preview(Look(true, there))) { torch(true) },
            step("its own timer", Preview(Look(true))) { focusEnds(2) },
            step("its own timer twice") { focusEnds(2) },
            step("the shutter", Shoot(2, Look(true))) { shoot() },
        )
        play(step("a touch before anything") { focus(here) }, step("the lamp before anything") { torch(true) })
    }

    @Test
    fun `streams that are refused are tried smaller, once`() {
        play(
            running[0], running[1],
            step("refused", Connect(true)) { refused() },
            step("smaller ones run", Preview(Look()), Tell(told)) { connected() },
        )
        play(
            running[0], running[1],
            step("refused", Connect(true)) { refused() },
            step("refused again", GiveBack, Tell(CameraEvent.Failed(Trouble.BROKEN))) { refused() },
            step("and then an error") { failed(Trouble.BROKEN) },
        )
    }

    @Test
    fun `a camera that goes away is told once, wherever it was`() {
        val gone = arrayOf(GiveBack, Tell(CameraEvent.Failed(Trouble.DISCONNECTED)))
        for (count in 1..3) {
            play(
                *running.copyOf(count).requireNoNulls(),
                step("gone after $count steps", *gone) { failed(Trouble.DISCONNECTED) },
                step("gone twice") { failed(Trouble.BROKEN) },
                step("a session that comes late") { connected() },
                step("a refusal that comes late") { refused() },
                step("the shutter", missed) { shoot() },
            )
        }
        play(
            *running,
            step("the shutter", Shoot(1, Look())) { shoot() },
            step("gone while it takes a photo", *gone) { failed(Trouble.DISCONNECTED) },
            step("the photo all the same") { photo(byteArrayOf(1)) },
            step("the timer") { late(1) },
        )
    }

    @Test
    fun `after the end nothing is told, and a device that comes late is given back`() {
        val early = play(step("closed before a view", Release) { close() }, step("the view") { start() })
        assertTrue(early.isOver)
        val opening = play(running[0], step("closed while it opens", Release) { close() }, step("closed twice") { close() })
        assertFalse("a device can still come", opening.isOver)
        assertEquals(listOf(GiveBack), opening.opened())
        assertTrue(opening.isOver)
        val refused = play(running[0], step("closed", Release) { close() }, step("an error instead", GiveBack) { failed(Trouble.IN_USE) })
        assertTrue(refused.isOver)
        val whole = play(
            *running,
            step("the shutter", Shoot(1, Look())) { shoot() },
            step("closed", Release) { close() },
            step("the photo") { photo(byteArrayOf(1)) },
            step("the timer") { late(1) },
            step("the lamp") { torch(true) },
        )
        assertTrue(whole.isOver)
    }
}
