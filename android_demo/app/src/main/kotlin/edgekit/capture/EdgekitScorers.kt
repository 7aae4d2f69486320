package edgekit.capture

import edgekit.android.Accelerator
import edgekit.android.EdgekitClassifier
import edgekit.android.Options
import edgekit.capture.core.Engine
import edgekit.capture.core.ModelFile
import edgekit.capture.core.ModelName
import edgekit.capture.core.Scorer
import edgekit.capture.core.Scorers
import edgekit.runtime.Contract
import edgekit.runtime.Frame
import edgekit.runtime.ModelException
import edgekit.runtime.RegionsVerdict
import edgekit.runtime.Verdict

/** Models by the library that other apps embed, too. */
class EdgekitScorers : Scorers {
    override fun load(file: ModelFile, threads: Int, delegate: String): Scorer {
        val accelerator = when (delegate) {
            "default" -> Accelerator.CPU
            "gpu" -> Accelerator.GPU
            else -> throw ModelException("a delegate must be default or gpu, got $delegate")
        }
        return EdgekitScorer(EdgekitClassifier.load(file.content, Options(threads, accelerator), file.name), file.name)
    }
}

private class EdgekitScorer(private val classifier: EdgekitClassifier, name: String) : Scorer {
    override val contract: Contract get() = classifier.contract
    override val model = ModelName(name, classifier.modelSha256)
    override val threads: Int get() = classifier.threads

    // Which kernels TFLite takes on the processor, it does not tell.
    override val engine = Engine(
        interpreter = classifier.engine.substringBefore(','),
        delegate = if (classifier.options.accelerator == Accelerator.GPU) "gpu" else "not told",
    )

    override fun classify(photo: ByteArray, crops: Int?): Verdict = classifier.classify(photo, crops, name = "the photo")

    override fun classify(frame: Frame, crops: Int?): Verdict = classifier.classify(frame, crops)

    override fun regions(photo: ByteArray, crops: Int?): RegionsVerdict = classifier.classifyRegions(photo, crops, name = "the photo")

    override fun regions(frame: Frame, crops: Int?): RegionsVerdict = classifier.classifyRegions(frame, crops)

    override fun close() = classifier.close()
}
