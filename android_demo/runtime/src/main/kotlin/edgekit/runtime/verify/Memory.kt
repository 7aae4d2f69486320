package edgekit.runtime.verify

/** The bytes that operators take beside the file, one after the other. */
internal class Memory(rows: List<Table>, tensors: List<Tensor>, inputs: List<Tensor>, outputs: List<Tensor>) {
    private val lastRead = HashMap<Int, Int>()

    // What follows from constants alone, an interpreter computes once and keeps.
    private val kept = HashSet<Int>()

    // Those whose shapes it learns only when it runs, it never frees.
    private val dynamic = HashSet<Int>()

    // Constants of other types in the file that no operator has read as its weights.
    private val widened = HashSet<Int>()
    private val live = HashMap<Int, Long>()
    private var now: Long

    /** The most at a time. */
    var most: Long
        private set

    init {
        for ((number, row) in rows.withIndex()) row.numbers("inputs").longs().forEach { lastRead[it.toInt()] = number }
        for (one in outputs) lastRead[one.index] = rows.size
        tensors.filter { it.isConstant }.mapTo(kept) { it.index }
        for (one in inputs) live[one.index] = one.bytes
        now = live.values.sum()
        most = now
    }

    /** Makes an operator's outputs, and frees what nothing reads any more. */
    fun run(operator: Operator) {
        val given = operator.inputs.filterNotNull().map { it.index }
        val made = operator.outputs.map { it.index }
        if (operator.isDynamic || given.any { it in dynamic }) dynamic.addAll(made)
        if (given.all { it in kept }) {
            kept.addAll(made)
            if (operator.name == "DEQUANTIZE") widened.addAll(made)
        }
        for (one in operator.outputs) {
            live[one.index] = one.bytes
            now = plus(now, one.bytes)
        }
        now = plus(now, operator.lasting)
        if (operator.lasting > 0 && widened.remove(operator.input(1).index)) {
            // A delegate widens and packs them at once.
            now -= minOf(operator.input(1).bytes, operator.lasting)
        }
        most = maxOf(most, plus(now, operator.scratch))
        for (index in given + made) {
            val isFreed = (lastRead[index] ?: operator.number) <= operator.number
            if (isFreed && index !in kept && index !in dynamic) now -= live.remove(index) ?: 0
        }
    }
}
