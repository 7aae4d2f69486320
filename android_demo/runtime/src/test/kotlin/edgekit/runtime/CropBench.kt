package edgekit.runtime

import java.io.File
import java.lang.management.ManagementFactory
import java.security.MessageDigest

/**
 * How long the crops of one array take: brought to its working size, cut and resized, by one thread.
 *
 * ```
 * java -cp … edgekit.runtime.CropBench RAW WIDTH HEIGHT SIDE_PX PLAN CROPS WORKING_PX RUNS
 * ```
 *
 * RAW is a file of WIDTH x HEIGHT x 3 bytes (RGB, rows from the top). PLAN reads `lead+lead:cycle,cycle`, as in
 * `centre:native,1/4`. WORKING_PX of 0 is none. A tenth of RUNS, at least 5, goes before and does not count.
 *
 * Prints one JSON object: `median_ns` of all crops together by the clock and `median_cpu_ns` by what this thread had of the
 * processor, which others on the machine disturb less; `runs`; and `sha256` of all crops one after another, which must be
 * that of the same in Python.
 */
object CropBench {
    @JvmStatic
    fun main(args: Array<String>) {
        val (width, height, side) = args.slice(1..3).map { it.toInt() }
        val plan = planOf(args[4], args[5].toInt(), args[6].toInt().takeIf { it > 0 })
        val runs = args[7].toInt()
        val picture = Picture(width, height, File(args[0]).readBytes())
        val digest = MessageDigest.getInstance("SHA-256")
        crops(picture, plan, side).forEach { digest.update(it) }
        repeat(maxOf(5, runs / 10)) { crops(picture, plan, side) }
        val threads = ManagementFactory.getThreadMXBean()
        val timesNs = List(runs) {
            val beganNs = System.nanoTime()
            val beganCpuNs = threads.currentThreadCpuTime
            crops(picture, plan, side)
            System.nanoTime() - beganNs to threads.currentThreadCpuTime - beganCpuNs
        }
        val found = mapOf(
            "median_ns" to timesNs.map { it.first }.sorted()[runs / 2],
            "median_cpu_ns" to timesNs.map { it.second }.sorted()[runs / 2],
            "runs" to runs,
            "sha256" to digest.digest().joinToString("") { "%02x".format(it) },
        )
        println(Json.write(found))
    }

    private fun crops(picture: Picture, plan: CropPlan, side: Int): List<ByteArray> {
        val photo = Photo.of(picture, plan.workingPx)
        return cropBoxes(plan, photo.size, side).map { toTensor(photo, it, side) }
    }
}

/** A plan in the command line's form: `cycle,cycle` or `lead+lead:cycle,cycle`. */
fun planOf(text: String, crops: Int, workingPx: Int?): CropPlan {
    val lead = text.substringBefore(":", "")
    return CropPlan(
        lead = if (lead.isEmpty()) emptyList() else lead.split("+"),
        cycle = text.substringAfter(":").split(","),
        crops = crops,
        workingPx = workingPx,
    )
}
