package edgekit.capture

import android.graphics.Bitmap
import android.view.LayoutInflater
import android.widget.LinearLayout
import android.widget.TextView
import edgekit.capture.core.Source
import edgekit.capture.core.UiState

/** A photo with any number of answers: frames and names on it, and the same in words below. */
internal class ShownScreen(private val stage: Stage) {
    private val photo: CropView = stage.find(R.id.shown_photo)
    private val title: TextView = stage.find(R.id.shown_title)
    private val list: LinearLayout = stage.find(R.id.shown_list)
    private val again: TextView = stage.find(R.id.shown_again)
    private var bitmap: Bitmap? = null
    private var now: UiState.Shown? = null
    private val slot = PhotoSlot {
        bitmap = it
        now?.let(::draw)
    }

    init {
        again.setOnClickListener { stage.presenter.onTakeAgain() }
    }

    fun show(state: UiState.Shown) {
        now = state
        slot.show(state.photo) { stage.pictures.load(state.photo, PHOTO_PX, it) }
        draw(state)
        title.say(stage.words.answers(state.answers))
        lines(state)
        again.say(stage.text(if (state.source == Source.SHUTTER) R.string.take_next else R.string.done))
    }

    /** Lets go of the photo, whose file it may hold: the next one needs the memory. */
    fun clear() {
        slot.clear()
        now = null
    }

    private fun draw(state: UiState.Shown) {
        val found = state.answers.found
        // Where there is one, its name needs no number.
        val marks = found.mapIndexedNotNull { index, one ->
            val name = stage.words.name(one.verdict)
            one.box?.let { Mark(it, stage.colour(panelColourOf(one.verdict.tone)), if (found.size == 1) name else "${index + 1} $name") }
        }
        photo.show(bitmap, state.answers.size, marks)
    }

    private fun lines(state: UiState.Shown) {
        val found = state.answers.found
        list.removeAllViews()
        for ((index, one) in found.withIndex()) {
            val line = LayoutInflater.from(list.context).inflate(R.layout.row_answer, list, false) as TextView
            val score = stage.words.score(one.verdict)
            line.text = if (found.size == 1) score else stage.text(R.string.answer_row, index + 1, score)
            line.setCompoundDrawablesRelative(stage.icon(one.verdict.tone, ICON_DP), null, null, null)
            list.addView(line)
        }
        list.seen(found.isNotEmpty())
    }

    private companion object {
        const val PHOTO_PX = 1280
        const val ICON_DP = 22
    }
}
