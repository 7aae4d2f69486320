package edgekit.capture

import android.view.View
import android.widget.TableLayout
import android.widget.TableRow
import android.widget.TextView
import edgekit.capture.core.BenchPoint
import edgekit.capture.core.UiState
import java.io.File
import java.util.Locale

/** Before and after a sweep; what is in between is a message. */
internal class BenchScreen(private val stage: Stage) {
    private val table: TableLayout = stage.find(R.id.bench_table)
    private var export: File? = null

    init {
        val presenter = stage.presenter
        stage.find<View>(R.id.bench_back).setOnClickListener { presenter.onBack() }
        stage.find<View>(R.id.bench_full).setOnClickListener { presenter.onBenchStart(quick = false) }
        stage.find<View>(R.id.bench_quick).setOnClickListener { presenter.onBenchStart(quick = true) }
        stage.find<View>(R.id.bench_again).setOnClickListener { presenter.onBench() }
        stage.find<View>(R.id.bench_share).setOnClickListener { export?.let(stage.outside::share) }
        stage.find<View>(R.id.bench_save).setOnClickListener { export?.let(stage.outside::saveAs) }
    }

    /** Shows the state, or says that it is none of these. */
    fun show(state: UiState): Boolean {
        stage.find<View>(R.id.bench_ready).seen(state is UiState.BenchReady)
        stage.find<View>(R.id.bench_done).seen(state is UiState.BenchDone)
        when (state) {
            is UiState.BenchReady -> ready(state)
            is UiState.BenchDone -> done(state)
            else -> return false
        }
        return true
    }

    private fun ready(state: UiState.BenchReady) {
        val isReady = state.settings > 0
        for (id in listOf(R.id.bench_full, R.id.bench_quick)) stage.find<View>(id).run {
            isEnabled = isReady
            alpha = if (isReady) 1f else 0.38f
        }
        val plan: TextView = stage.find(R.id.bench_plan)
        plan.seen(isReady)
        plan.say(plan.resources.getQuantityString(R.plurals.bench_plan, state.settings, state.settings))
    }

    private fun done(state: UiState.BenchDone) {
        if (export == state.result.export) return
        export = state.result.export
        stage.find<TextView>(R.id.bench_engine).say(stage.words.engine(state.result.engine.toString()))
        table.removeAllViews()
        row(listOf(R.string.bench_crops, R.string.bench_threads, R.string.bench_p50, R.string.bench_p95).map { stage.text(it) }, true)
        state.result.points.forEach { row(cells(it), false) }
    }

    private fun cells(point: BenchPoint): List<String> {
        val setting = point.setting
        val mean = String.format(stage.root.resources.configuration.locales[0], "%.1f", point.crops)
        return listOf(
            if (setting.stopsEarly) stage.text(R.string.bench_up_to, setting.crops, mean) else number(setting.crops),
            number(setting.threads),
            stage.words.ms(point.latency.p50Ms),
            stage.words.ms(point.latency.p95Ms),
        )
    }

    private fun number(value: Int): String = String.format(Locale.getDefault(), "%d", value)

    private fun row(cells: List<String>, isHead: Boolean) {
        val row = TableRow(table.context)
        cells.forEachIndexed { index, text ->
            val cell = TextView(table.context)
            cell.text = text
            cell.textSize = TEXT_SP
            cell.textAlignment = if (index == 0) View.TEXT_ALIGNMENT_VIEW_START else View.TEXT_ALIGNMENT_VIEW_END
            cell.setTextColor(stage.colour(if (isHead) R.color.text_quiet else R.color.text))
            val padPx = (PAD_DP * table.resources.displayMetrics.density).toInt()
            cell.setPaddingRelative(if (index == 0) 0 else 2 * padPx, padPx, 0, padPx)
            row.addView(cell)
        }
        // One stop for a screen reader, not four.
        row.isFocusable = true
        row.contentDescription = if (isHead) null else description(cells)
        table.addView(row)
    }

    private fun description(cells: List<String>): String =
        listOf(R.string.bench_crops, R.string.bench_threads, R.string.bench_p50, R.string.bench_p95)
            .mapIndexed { index, name -> "${stage.text(name)} ${cells[index]}" }.joinToString()

    private companion object {
        const val TEXT_SP = 15f
        const val PAD_DP = 6
    }
}
