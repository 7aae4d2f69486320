package edgekit.runtime.verify

import edgekit.runtime.Contract
import edgekit.runtime.ContractException
import java.nio.ByteBuffer

private const val SCHEMA_VERSION = 3L
private const val MAX_OPERATORS = 10_000

// Inputs and outputs of all operators.
private const val MAX_OPERANDS = 100_000

// Several times the largest classifiers that phones run; minutes on a small board.
private const val MAX_WORK = 100_000_000_000L
private const val CUSTOM = 32L
private const val MOST_SHOWN = 300

/** What goes into a checked model and comes out, and the most memory that it takes at a time beside its file. */
internal class CheckedModel(val inputs: List<Tensor>, val outputs: List<Tensor>, val memoryBytes: Long)

/**
 * Checks a flatbuffer that edgekit runs: [checkModel], and static uint8 [1, S, S, 3] in, float32 [1, n] out; where the
 * contract has heads, float32 [1, heads - 1, n] as a second output.
 *
 * @throws ContractException another interface than the contract's, or what [checkModel] refuses
 */
internal fun checkClassifier(content: ByteBuffer, contract: Contract): CheckedModel {
    val checked = checkModel(content)
    val (inputs, outputs) = checked.inputs.size to checked.outputs.size
    if (inputs != 1) throw ContractException("a model must have one input, got $inputs; export a single input")
    val wanted = if (contract.headCount > 1) 2 else 1
    if (outputs != wanted) {
        val whose = if (wanted > 1) "a model with ${contract.headCount} heads must have two outputs" else "a model must have one output"
        throw ContractException("$whose, got $outputs; convert it again")
    }
    val side = contract.sidePx.toLong()
    val classes = contract.outputs.toLong()
    checkInterface("input", checked.inputs[0], Type.UINT8, listOf(1L, side, side, 3L))
    checkInterface("output", checked.outputs[0], Type.FLOAT32, listOf(1L, classes))
    for (other in checked.outputs.drop(1)) {
        checkInterface("second output", other, Type.FLOAT32, listOf(1L, contract.headCount - 1L, classes))
    }
    return checked
}

private fun checkInterface(what: String, one: Tensor, type: Type, shape: Lengths) {
    if (one.type != type || one.shape != shape) {
        throw ContractException("a model's $what must be $type $shape, got ${one.type} ${one.shape}; convert it again")
    }
    // LiteRT.js refuses the others.
    if (one.signature != shape) {
        throw ContractException("a model's $what must be static, got ${one.signature}; convert with a batch of 1")
    }
}

/**
 * Checks that a flatbuffer is whole and can be run safely, before an interpreter sees it.
 *
 * Of the structure: every offset, length and alignment, and that names are UTF-8. Of the graph: one subgraph, known
 * operators with their own options, each tensor made once and before it is read, data as long as shapes say, scales and
 * zero points in range, shapes that follow from operator to operator, and bounds on memory and work.
 *
 * @throws ContractException the model is none of these; the message says what and where
 */
internal fun checkModel(content: ByteBuffer): CheckedModel {
    val model = readStructure(content)
    if (model.long("version") != SCHEMA_VERSION) refuse("its schema is ${model.long("version")}, not $SCHEMA_VERSION")
    val graphs = model.tables("subgraphs")
    if (graphs.size != 1) {
        throw ContractException("a model must have one subgraph, got ${graphs.size}; export a single signature")
    }
    if (model.has("external_buffers") || model.has("external_buffer_groups")) refuse("its weights lie in other files")
    val tables = graphs[0].tables("tensors")
    val rows = graphs[0].tables("operators")
    if (tables.size > MAX_TENSORS || rows.size > MAX_OPERATORS) {
        refuse("it has ${tables.size} tensors and ${rows.size} operators")
    }
    val operands = rows.sumOf { it.numbers("inputs").size.toLong() + it.numbers("outputs").size }
    if (operands > MAX_OPERANDS) refuse("its operators have $operands inputs and outputs, at most $MAX_OPERANDS")
    val buffers = buffersOf(model, content)
    val tensors = tables.mapIndexed { index, table -> Tensor(index, table, content, buffers) }
    checkNames(model, tensors.size)
    val inputs = interfaceOf(graphs[0].numbers("inputs"), tensors, "inputs")
    val outputs = interfaceOf(graphs[0].numbers("outputs"), tensors, "outputs")
    return CheckedModel(inputs, outputs, run(model, rows, tensors, inputs, outputs))
}

/** The data of each buffer; null without. */
private fun buffersOf(model: Table, content: ByteBuffer): List<Span?> {
    val found = model.tables("buffers").mapIndexed { number, table ->
        val inside = table.bytes("data")?.takeIf { it.length > 0 }
        val offset = table.long("offset")
        val size = table.long("size")
        // Converters write 1 for "not yet known".
        if (offset > 1) {
            if (inside != null) refuse("buffer $number has data in two places")
            if (offset % 16 != 0L || plus(offset, size) > content.limit()) {
                refuse("buffer $number has $size bytes from $offset of ${content.limit()}")
            }
            Span(offset.toInt(), size.toInt()).takeIf { it.length > 0 }
        } else {
            if (size > 1) refuse("buffer $number has $size bytes nowhere")
            inside
        }
    }
    if (found.isEmpty() || found[0] != null) refuse("buffer 0 must be there and empty: it stands for no data")
    return found
}

/** Holds that metadata and signatures name buffers and tensors that are there. */
private fun checkNames(model: Table, tensors: Int) {
    val buffers = model.tables("buffers").size
    val numbers = model.numbers("metadata_buffer")
    val isWithin = model.tables("metadata").all { it.long("buffer") < buffers } &&
        (0 until numbers.size).all { numbers.long(it) in 0 until buffers }
    if (!isWithin) refuse("its metadata name a buffer beyond $buffers")
    for (signature in model.tables("signature_defs")) {
        val maps = signature.tables("inputs") + signature.tables("outputs")
        if (signature.long("subgraph_index") != 0L || !maps.all { it.long("tensor_index") < tensors }) {
            refuse("a signature names a subgraph or a tensor beyond $tensors")
        }
    }
}

private fun interfaceOf(indices: Numbers, tensors: List<Tensor>, what: String): List<Tensor> {
    val isFew = indices.size in 1..MAX_TENSORS
    if (!isFew || indices.longs().toSet().size != indices.size) {
        refuse("its $what are ${indices.size} tensors, some of them twice or none")
    }
    if (!indices.longs().all { it in tensors.indices }) refuse("its $what are beyond its ${tensors.size} tensors")
    return indices.longs().map { tensors[it.toInt()] }
}

/** Goes through the operators in their order; returns the most bytes that they take at a time. */
private fun run(model: Table, rows: List<Table>, tensors: List<Tensor>, inputs: List<Tensor>, outputs: List<Tensor>): Long {
    if (inputs.any { it.isConstant }) refuse("an input is a constant")
    val codes = model.tables("operator_codes").mapIndexed { number, table -> ruleOf(number, table) }
    val ready = HashSet<Int>()
    inputs.mapTo(ready) { it.index }
    tensors.filter { it.isConstant }.mapTo(ready) { it.index }
    val memory = Memory(rows, tensors, inputs, outputs)
    var work = 0L
    for ((number, row) in rows.withIndex()) {
        val operator = operatorOf(number, row, codes, tensors)
        checkOrder(operator, ready)
        checkOperator(operator)
        operator.outputs.mapTo(ready) { it.index }
        memory.run(operator)
        work = plus(work, operator.work)
        if (memory.most > MAX_BYTES || work > MAX_WORK) {
            refuse(
                "operator $number (${operator.name}) brings it to ${memory.most} bytes and $work multiplications, at most " +
                    "$MAX_BYTES and $MAX_WORK",
            )
        }
    }
    if (!outputs.all { it.index in ready && !it.isConstant }) refuse("an output is made by no operator")
    return memory.most
}

/** Holds that each tensor is made once, and before it is read. */
private fun checkOrder(operator: Operator, ready: Set<Int>) {
    val which = "operator ${operator.number} (${operator.name})"
    val unmade = operator.inputs.firstOrNull { it != null && it.index !in ready }
    if (unmade != null) refuse("$which reads tensor ${unmade.index}, which nothing has made yet")
    val made = operator.outputs.map { it.index }
    if (made.any { it in ready } || made.toSet().size != made.size) {
        refuse("$which writes a tensor that is there already: ${made.filter { it in ready }.take(10)}")
    }
}

private fun ruleOf(number: Int, table: Table): Rule {
    // Old converters fill only the deprecated 8-bit field.
    val code = maxOf(table.long("builtin_code"), table.long("deprecated_builtin_code"))
    val rule = RULES_BY_CODE[code.toInt()]
    if (rule == null) {
        val custom = table.string("custom_code")?.take(MOST_SHOWN)
        val which = if (code == CUSTOM) "the custom operator '$custom'" else "number $code of the schema"
        throw ContractException(
            "a model must have operators that edgekit runs, got $which; convert it without (edgekit runs " +
                "${RULES.keys.sorted().joinToString()})",
        )
    }
    // Which versions it knows, an interpreter tells by itself.
    if (table.long("version") < 1) refuse("operator code $number has the version ${table.long("version")}")
    return rule
}

/** A row of the list of operators, with its tensors and options. */
private fun operatorOf(number: Int, row: Table, codes: List<Rule>, tensors: List<Tensor>): Operator {
    val code = row.long("opcode_index")
    if (code >= codes.size) refuse("operator $number has the code $code of ${codes.size}")
    val rule = codes[code.toInt()]
    val which = "operator $number (${rule.name})"
    val inputs = row.numbers("inputs")
    val outputs = row.numbers("outputs")
    if (inputs.size !in rule.inputs || outputs.size !in 1..rule.outputs) {
        refuse("$which has ${inputs.size} inputs and ${outputs.size} outputs")
    }
    val isOdd = (row.bytes("custom_options")?.length ?: 0) > 0 || row.numbers("intermediates").size > 0 ||
        row.has("builtin_options_2") || row.long("large_custom_options_size") != 0L
    if (isOdd) refuse("$which has options or tensors of its own that it does not need")
    if (!row.numbers("mutating_variable_inputs").all { it == 0.0 }) refuse("$which changes its inputs")
    val isThere = inputs.longs().withIndex().all { (at, index) ->
        index in tensors.indices || (index == -1L && at == rule.optional)
    }
    if (!isThere || !outputs.longs().all { it in tensors.indices }) {
        refuse("$which has the tensors ${inputs.longs()} and ${outputs.longs()} of ${tensors.size}".take(MOST_SHOWN))
    }
    val options = row.table("builtin_options")
    if (row.long("builtin_options_type") != 0L && options?.name != rule.options) {
        refuse("$which has the options of another (${row.long("builtin_options_type")})")
    }
    return Operator(
        number,
        rule.name,
        inputs.longs().map { if (it == -1L) null else tensors[it.toInt()] },
        outputs.longs().map { tensors[it.toInt()] },
        options,
    )
}
