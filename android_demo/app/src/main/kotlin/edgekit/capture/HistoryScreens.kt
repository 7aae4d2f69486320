package edgekit.capture

import android.app.AlertDialog
import android.graphics.Bitmap
import android.view.LayoutInflater
import android.view.View
import android.view.ViewGroup
import android.widget.BaseAdapter
import android.widget.ImageView
import android.widget.LinearLayout
import android.widget.ListView
import android.widget.RadioButton
import android.widget.RadioGroup
import android.widget.TextView
import edgekit.capture.core.StoredCapture
import edgekit.capture.core.UiState
import edgekit.capture.core.labelsToChoose
import edgekit.capture.core.viewOfRecord
import edgekit.runtime.Contract
import edgekit.runtime.CropScore

/** The list of captures. */
internal class HistoryScreen(private val stage: Stage) {
    private val list: ListView = stage.find(R.id.history_list)
    private val export: View = stage.find(R.id.history_action)
    private val rows = Rows()
    private val notice = NoticeView(stage, R.id.history_notice)

    init {
        list.adapter = rows
        list.emptyView = stage.find(R.id.history_empty)
        list.setOnItemClickListener { _, _, position, _ -> stage.presenter.onCapture(rows.captures[position].record.id) }
        export.setOnClickListener { stage.presenter.onExport() }
        stage.find<View>(R.id.history_back).setOnClickListener { stage.presenter.onBack() }
    }

    fun show(state: UiState.History) {
        export.isEnabled = state.captures.isNotEmpty()
        export.alpha = if (export.isEnabled) 1f else 0.38f
        notice.show(state.notice)
        val damaged: TextView = stage.find(R.id.history_damaged)
        damaged.seen(state.damaged > 0)
        damaged.say(damaged.resources.getQuantityString(R.plurals.damaged, state.damaged, state.damaged))
        if (rows.captures != state.captures) {
            rows.captures = state.captures
            rows.notifyDataSetChanged()
        }
    }

    private inner class Rows : BaseAdapter() {
        var captures = emptyList<StoredCapture>()

        override fun getCount(): Int = captures.size

        override fun getItem(position: Int): StoredCapture = captures[position]

        override fun getItemId(position: Int): Long = position.toLong()

        override fun getView(position: Int, old: View?, parent: ViewGroup): View {
            val row = old ?: LayoutInflater.from(parent.context).inflate(R.layout.row_capture, parent, false)
            val record = captures[position].record
            val view = viewOfRecord(record, stage.presenter.contract)
            val words = stage.words
            row.findViewById<TextView>(R.id.row_verdict).run {
                text = words.verdict(view)
                setTextColor(stage.colour(colourOf(view.tone)))
                setCompoundDrawablesRelative(stage.icon(view.tone, ICON_DP), null, null, null)
            }
            row.findViewById<TextView>(R.id.row_detail).text =
                words.score(view) + "\n" + words.taken(record)
            row.findViewById<TextView>(R.id.row_marks).run {
                text = words.marks(record)
                seen(text.isNotEmpty())
            }
            val photo: ImageView = row.findViewById(R.id.row_photo)
            photo.tag = record.id
            photo.setImageDrawable(null)
            // Rows are used again: a picture that comes late belongs to another.
            stage.pictures.load(captures[position].photo, THUMBNAIL_PX) {
                if (photo.tag == record.id) photo.setImageBitmap(it)
            }
            return row
        }
    }

    private companion object {
        const val ICON_DP = 22
        const val THUMBNAIL_PX = 240
    }
}

/** One capture: photo with crops, verdict, truth and how it came about. */
internal class DetailScreen(private val stage: Stage) {
    private val photo: CropView = stage.find(R.id.detail_photo)
    private val truth: RadioGroup = stage.find(R.id.detail_truth)
    private val about: LinearLayout = stage.find(R.id.detail_about)
    private val notice = NoticeView(stage, R.id.detail_notice)
    private var shown: StoredCapture? = null
    private var bitmap: Bitmap? = null
    private val slot = PhotoSlot {
        bitmap = it
        shown?.let(::picture)
    }

    init {
        stage.find<View>(R.id.detail_back).setOnClickListener { stage.presenter.onBack() }
        stage.find<View>(R.id.detail_action).setOnClickListener { askToDelete() }
    }

    fun show(state: UiState.Detail) {
        notice.show(state.notice)
        if (shown == state.capture) {
            // A truth that could not be stored: the mark goes back to the one that is.
            if (state.notice != null) truths(state.capture)
            return
        }
        shown = state.capture
        verdict(state)
        truths(state.capture)
        facts(state.capture)
        slot.show(state.capture.record.id) { stage.pictures.load(state.capture.photo, PHOTO_PX, it) }
        picture(state.capture)
    }

    private fun verdict(state: UiState.Detail) {
        val record = state.capture.record
        stage.find<TextView>(R.id.detail_verdict).run {
            text = stage.words.verdict(state.verdict)
            setTextColor(stage.colour(colourOf(state.verdict.tone)))
            setCompoundDrawablesRelative(stage.icon(state.verdict.tone, ICON_DP), null, null, null)
        }
        val score = stage.words.join(
            stage.words.score(state.verdict),
            stage.words.crops(record.verdict.crops.size),
        )
        val marks = stage.words.marks(record)
        stage.find<TextView>(R.id.detail_score).text = if (marks.isEmpty()) score else "$score\n$marks"
    }

    private fun truths(capture: StoredCapture) {
        truth.removeAllViews()
        val all = labelsToChoose(capture.record, MOST_TRUTHS)
        val said = capture.record.truth
        val first = all.take(MOST_TRUTHS)
        // Models may have thousands of labels: the likeliest are at hand, the others in a list.
        val shown = if (said == null || said in first) first else first + said
        for (label in shown) truth(label, said == label) { stage.presenter.onTruth(label) }
        if (all.size > shown.size) truth(stage.text(R.string.truth_other), false) { askOther(all.drop(MOST_TRUTHS)) }
        truth(stage.text(R.string.truth_none), said == null) { stage.presenter.onTruth(null) }
    }

    private fun truth(text: String, isChecked: Boolean, chosen: () -> Unit) {
        val button = RadioButton(truth.context)
        button.id = View.generateViewId()
        button.text = text
        button.textSize = TEXT_SP
        button.minHeight = (LEAST_DP * truth.resources.displayMetrics.density).toInt()
        button.isChecked = isChecked
        button.setOnClickListener { chosen() }
        truth.addView(button, ViewGroup.LayoutParams.MATCH_PARENT, ViewGroup.LayoutParams.WRAP_CONTENT)
    }

    private fun askOther(labels: List<String>) {
        AlertDialog.Builder(stage.root.context)
            .setTitle(R.string.truth_title)
            .setItems(labels.toTypedArray()) { _, index -> stage.presenter.onTruth(labels[index]) }
            // Nothing was chosen: the mark goes back to where it was.
            .setOnCancelListener { shown?.let(::truths) }
            .show()
    }

    private fun facts(capture: StoredCapture) {
        val (record, words) = capture.record to stage.words
        val (size, ms) = record.verdict.sizeWh to record.verdict.ms
        about.removeAllViews()
        about.fact(R.string.about_taken, words.join(words.taken(record), record.device))
        about.fact(R.string.about_model, "${record.model.name}\n${record.model.sha256}")
        about.fact(R.string.about_engine, words.join(words.engine(record.engine), words.threads(record.threads)))
        about.fact(R.string.about_size, stage.text(R.string.about_size_value, size.widthPx, size.heightPx, record.rotation))
        val split = listOf(ms.total, ms.decode, ms.crop, ms.invoke, ms.vote).map(words::ms)
        about.fact(R.string.about_ms, stage.text(R.string.about_ms_value, *split.toTypedArray()))
        stage.find<TextView>(R.id.detail_crops).text = record.verdict.crops.mapIndexed { index, crop ->
            val (best, score) = best(capture, crop)
            val box = crop.box
            stage.text(R.string.crop_row, index + 1, words.score(best, score), box.left, box.top, box.right, box.bottom)
        }.joinToString("\n")
    }

    private fun best(capture: StoredCapture, crop: CropScore): Pair<String, Double> {
        // A model may have an output more, for what no label is of.
        val labels = capture.record.verdict.probabilities.keys + Contract.UNKNOWN
        val index = crop.probabilities.indices.maxByOrNull { crop.probabilities[it] } ?: 0
        return labels.elementAt(index) to crop.probabilities[index].toDouble()
    }

    private fun picture(capture: StoredCapture) {
        val tones = capture.record.verdict.crops.map { crop ->
            val view = viewOfRecord(capture.record, stage.presenter.contract, best(capture, crop).first)
            Mark(crop.box, stage.colour(panelColourOf(view.tone)))
        }
        photo.show(bitmap, capture.record.verdict.sizeWh, tones)
    }

    private fun askToDelete() {
        AlertDialog.Builder(stage.root.context)
            .setMessage(R.string.delete_ask)
            .setPositiveButton(R.string.delete) { _, _ -> stage.presenter.onDelete() }
            .setNegativeButton(R.string.cancel, null)
            .show()
    }

    private companion object {
        const val ICON_DP = 28
        const val TEXT_SP = 16f
        const val LEAST_DP = 48
        const val PHOTO_PX = 1280
        const val MOST_TRUTHS = 10
    }
}

/** Adds a name and its value, which screen readers take as one. */
internal fun LinearLayout.fact(name: Int, value: String) {
    val row = LayoutInflater.from(context).inflate(R.layout.row_fact, this, false)
    row.findViewById<TextView>(R.id.fact_name).setText(name)
    row.findViewById<TextView>(R.id.fact_value).text = value
    addView(row)
}
