package edgekit.capture

import android.view.View
import android.widget.LinearLayout
import android.widget.SeekBar
import android.widget.Switch
import android.widget.TextView
import edgekit.capture.core.ModelView
import edgekit.capture.core.Settings
import edgekit.capture.core.UiState
import edgekit.runtime.Contract

/** Crops, threads, GPU, uploads, and the model with its contract. */
internal class SettingsScreen(private val stage: Stage) {
    private val fixed: Switch = stage.find(R.id.settings_fixed)
    private val crops: SeekBar = stage.find(R.id.settings_crops)
    private val cropsLabel: TextView = stage.find(R.id.settings_crops_label)
    private val threads: SeekBar = stage.find(R.id.settings_threads)
    private val threadsLabel: TextView = stage.find(R.id.settings_threads_label)
    private val gpu: Switch = stage.find(R.id.settings_gpu)
    private val uploads: Switch = stage.find(R.id.settings_uploads)
    private val model: LinearLayout = stage.find(R.id.settings_model)
    private val notice = NoticeView(stage, R.id.settings_notice)
    private var shown: ModelView? = null
    private val now get() = stage.presenter.settings

    init {
        crops.max = Settings.MOST_CROPS - 1
        threads.max = Settings.MOST_THREADS - 1
        stage.find<View>(R.id.settings_back).setOnClickListener { stage.presenter.onBack() }
        fixed.setOnClickListener { change(now.copy(crops = if (fixed.isChecked) own() else null)) }
        gpu.setOnClickListener { change(now.copy(gpu = gpu.isChecked)) }
        uploads.setOnClickListener { change(now.copy(uploads = uploads.isChecked)) }
        crops.setOnSeekBarChangeListener(Slid({ cropsLabel.say(stage.words.crops(it)) }) { change(now.copy(crops = it)) })
        threads.setOnSeekBarChangeListener(Slid({ threadsLabel.say(stage.words.threads(it)) }) { change(now.copy(threads = it)) })
        stage.find<View>(R.id.settings_retry).setOnClickListener { stage.presenter.onRetryUploads() }
        stage.find<View>(R.id.settings_choose).setOnClickListener { stage.outside.pickModel() }
        stage.find<View>(R.id.settings_bundled).setOnClickListener { stage.presenter.onBundledModel() }
    }

    fun show(state: UiState.SettingsShown) {
        notice.show(state.notice)
        val settings = state.settings
        fixed.isChecked = settings.crops != null
        crops.seen(settings.crops != null)
        crops.progress = (settings.crops ?: own()) - 1
        cropsLabel.say(settings.crops?.let(stage.words::crops) ?: stage.text(R.string.settings_crops_own))
        crops.contentDescription = stage.text(R.string.settings_crops_fixed)
        threads.progress = settings.threads - 1
        threadsLabel.say(stage.words.threads(settings.threads))
        threads.contentDescription = stage.text(R.string.bench_threads)
        gpu.isChecked = settings.gpu
        uploads.isChecked = settings.uploads
        val queue: TextView = stage.find(R.id.settings_queue)
        queue.seen(settings.uploads)
        queue.say(stage.words.queue(state.queue))
        stage.find<View>(R.id.settings_retry).seen(settings.uploads && state.queue.waiting + state.queue.refused > 0)
        stage.find<View>(R.id.settings_bundled).seen(state.model?.isBundled == false)
        if (shown != state.model) show(state.model)
    }

    private fun own(): Int = (stage.presenter.contract?.plan?.crops ?: 1).coerceIn(1, Settings.MOST_CROPS)

    private fun change(settings: Settings) = stage.presenter.onSettingsChanged(settings)

    private fun show(view: ModelView?) {
        shown = view
        model.removeAllViews()
        if (view == null) return
        val contract = view.contract
        model.fact(R.string.model_file, stage.words.join(view.name, stage.words.engine(view.engine.toString())))
        model.fact(R.string.model_name, contract.name)
        model.fact(R.string.model_labels, stage.words.labels(contract.labels))
        model.fact(R.string.model_bona_fide, contract.bonaFide ?: stage.text(R.string.none))
        model.fact(R.string.model_side, stage.text(R.string.model_side_value, contract.sidePx, contract.precision))
        model.fact(R.string.model_plan, stage.text(R.string.model_plan_value, contract.plan.toString(), stage.words.crops(contract.plan.crops)))
        val working = contract.plan.workingPx
        model.fact(R.string.model_working, if (working == null) stage.text(R.string.none) else stage.text(R.string.model_working_value, working))
        contract.regions?.let { model.fact(R.string.model_regions, stage.text(R.string.model_regions_value, it.detector.spelling)) }
        model.fact(R.string.model_decision, decision(contract))
        model.fact(R.string.model_sha, view.sha256)
    }

    private fun decision(contract: Contract): String {
        val (decision, words) = contract.decision to stage.words
        return listOfNotNull(
            decision.vote.spelling,
            decision.threshold?.let { stage.text(R.string.model_threshold, words.number(it)) }
                ?: stage.text(if (contract.multiLabel == null) R.string.model_best else R.string.model_several),
            contract.unknown?.let { stage.text(R.string.model_unknown, it.rule.spelling, words.number(it.threshold)) },
            decision.abstain?.let { stage.text(R.string.model_band, words.number(it.low), words.number(it.high)) },
            decision.floor?.let { stage.text(R.string.model_floor, words.number(it)) },
            stage.text(R.string.model_stops_early).takeIf { decision.earlyStop != null },
        ).joinToString()
    }

    /** Shows a number while a finger is on the slider, and takes it when the finger leaves. */
    private class Slid(private val show: (Int) -> Unit, private val take: (Int) -> Unit) : SeekBar.OnSeekBarChangeListener {
        private var isHeld = false

        override fun onProgressChanged(bar: SeekBar, progress: Int, fromUser: Boolean) {
            if (!fromUser) return
            show(progress + 1)
            // Keys and screen readers move it without a touch.
            if (!isHeld) take(progress + 1)
        }

        override fun onStartTrackingTouch(bar: SeekBar) {
            isHeld = true
        }

        override fun onStopTrackingTouch(bar: SeekBar) {
            isHeld = false
            take(bar.progress + 1)
        }
    }
}
