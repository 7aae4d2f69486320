package edgekit.capture

import android.annotation.SuppressLint
import android.view.MotionEvent
import android.view.TextureView
import android.view.View
import android.widget.FrameLayout
import android.widget.ImageButton
import android.widget.ImageView
import android.widget.PopupMenu
import android.widget.TextView
import edgekit.capture.core.Answers
import edgekit.capture.core.Latency
import edgekit.capture.core.Tone
import edgekit.capture.core.Torch
import edgekit.capture.core.UiState

/** The camera's picture with verdict, latency and buttons. */
internal class CameraScreen(private val stage: Stage) {
    val preview: TextureView = stage.find(R.id.preview)
    private val icon: ImageView = stage.find(R.id.verdict_icon)
    private val verdict: TextView = stage.find(R.id.verdict)
    private val detail: TextView = stage.find(R.id.verdict_detail)
    private val latency: View = stage.find(R.id.latency)
    private val total: TextView = stage.find(R.id.latency_total)
    private val stages: TextView = stage.find(R.id.latency_stages)
    private val engine: TextView = stage.find(R.id.latency_engine)
    private val shutter: ImageButton = stage.find(R.id.shutter)
    private val gallery: ImageButton = stage.find(R.id.gallery)
    private val torch: ImageButton = stage.find(R.id.torch)
    private val switch: ImageButton = stage.find(R.id.switch_camera)
    private val more: ImageButton = stage.find(R.id.more)
    private val ring: View = stage.find(R.id.focus_ring)
    private val notice = NoticeView(stage, R.id.notice)

    init {
        shutter.setOnClickListener { stage.presenter.onShutter() }
        gallery.setOnClickListener { stage.outside.pickPhoto() }
        torch.setOnClickListener { stage.presenter.onTorch() }
        switch.setOnClickListener { stage.presenter.onSwitchCamera() }
        more.setOnClickListener { menu() }
        focusOnTouch()
    }

    /** Shows the state, or says that it is none of the camera's. */
    fun show(state: UiState): Boolean {
        when (state) {
            UiState.OpeningCamera -> wait(R.string.opening_camera)
            UiState.Taking -> wait(R.string.taking)
            UiState.Checking -> wait(R.string.checking)
            is UiState.Live -> live(state)
            else -> return false
        }
        return true
    }

    private fun wait(words: Int) {
        icon.setImageResource(R.drawable.ic_camera)
        icon.tint(stage.colour(R.color.on_panel_quiet))
        verdict.setTextColor(stage.colour(R.color.on_panel))
        verdict.say(stage.text(words))
        detail.seen(false)
        notice.show(null)
        listOf(shutter, gallery, torch, switch, more).forEach { it.enable(false) }
    }

    private fun live(state: UiState.Live) {
        val (view, answers) = state.verdict to state.answers
        when {
            answers != null -> say(answers)
            view != null -> say(view.tone, stage.words.verdict(view), stage.words.join(stage.words.score(view), stage.words.crops(state.crops)))
            else -> say(null, stage.text(R.string.verdict_none_yet), "")
        }
        latency(state.latency, state)
        notice.show(state.notice)
        listOf(shutter, gallery, more).forEach { it.enable(true) }
        torch.enable(state.torch != Torch.ABSENT)
        torch.setImageResource(if (state.torch == Torch.ON) R.drawable.ic_torch_on else R.drawable.ic_torch)
        torch.contentDescription = stage.text(if (state.torch == Torch.ON) R.string.torch_turn_off else R.string.torch_turn_on)
        switch.enable(state.canSwitch)
        switch.contentDescription = stage.text(if (state.isFront) R.string.switch_to_back else R.string.switch_to_front)
    }

    /** Of one region its own meaning; of several, or none, their number. */
    private fun say(answers: Answers) =
        say(answers.found.singleOrNull()?.verdict?.tone, stage.words.answers(answers), stage.words.scores(answers))

    private fun say(tone: Tone?, words: String, more: String) {
        icon.setImageResource(if (tone == null) R.drawable.ic_camera else iconOf(tone))
        icon.tint(stage.colour(if (tone == null) R.color.on_panel_quiet else panelColourOf(tone)))
        verdict.setTextColor(stage.colour(if (tone == null) R.color.on_panel else panelColourOf(tone)))
        verdict.say(words)
        detail.seen(more.isNotEmpty())
        if (more.isNotEmpty()) detail.say(more)
    }

    private fun latency(read: Latency?, state: UiState.Live) {
        val words = stage.words
        stages.seen(read != null)
        engine.say(words.join(words.engine(state.engine.toString()), words.threads(state.threads)))
        if (read == null) {
            total.say(stage.text(R.string.latency_none))
            latency.contentDescription = stage.text(R.string.latency_none)
            return
        }
        val (p50, p95) = words.ms(read.total.p50Ms) to words.ms(read.total.p95Ms)
        total.say(stage.text(R.string.latency_total, p50, p95))
        stages.say(
            stage.text(
                R.string.latency_stages, words.ms(read.decode.p50Ms), words.ms(read.crop.p50Ms), words.ms(read.invoke.p50Ms),
            ),
        )
        latency.contentDescription = stage.text(R.string.latency_spoken, p50, p95)
    }

    private fun menu() {
        val menu = PopupMenu(more.context, more)
        val actions = listOf(
            R.string.history to stage.presenter::onHistory,
            R.string.bench_title to stage.presenter::onBench,
            R.string.settings to stage.presenter::onSettings,
        )
        actions.forEachIndexed { index, (title, _) -> menu.menu.add(0, index, index, title) }
        menu.setOnMenuItemClickListener { item ->
            actions[item.itemId].second()
            true
        }
        menu.show()
    }

    // A touch that sets the focus has no meaning for who does not see the picture: the camera focuses by itself.
    @SuppressLint("ClickableViewAccessibility")
    private fun focusOnTouch() = preview.setOnTouchListener { _, event ->
        if (event.action == MotionEvent.ACTION_UP) {
            stage.presenter.onFocus(event.x, event.y)
            (ring.layoutParams as FrameLayout.LayoutParams).let {
                it.leftMargin = (event.x - ring.layoutParams.width / 2).toInt()
                it.topMargin = (event.y - ring.layoutParams.height / 2).toInt()
                // Pixels of a touch count from the left in every language.
                it.gravity = android.view.Gravity.TOP or android.view.Gravity.LEFT
                ring.layoutParams = it
            }
            ring.alpha = 1f
            ring.seen(true)
            ring.animate().alpha(0f).setDuration(RING_MS).withEndAction { ring.seen(false) }
        }
        true
    }

    private fun View.enable(isOn: Boolean) {
        isEnabled = isOn
        alpha = if (isOn) 1f else FAINT
    }

    private companion object {
        const val RING_MS = 1200L
        const val FAINT = 0.38f
    }
}
