package edgekit.runtime.regions

import edgekit.runtime.ContractException
import edgekit.runtime.DetectorKind
import edgekit.runtime.RegionPlan
import edgekit.runtime.hexOf
import edgekit.runtime.verify.Lengths
import edgekit.runtime.verify.Tensor
import edgekit.runtime.verify.Type
import edgekit.runtime.verify.checkModel
import java.nio.ByteBuffer
import java.security.MessageDigest

// Several times the largest of MediaPipe's.
internal const val MAX_DETECTOR_BYTES = 8 * 1024 * 1024

/**
 * Holds that a detector's file is the one that a contract tells of, before any interpreter sees it.
 *
 * @param content the whole file, from 0 to its limit
 * @throws ContractException too large, another file, another kind, or none that an interpreter may run
 */
internal fun checkDetector(content: ByteBuffer, plan: RegionPlan) {
    if (content.limit() > MAX_DETECTOR_BYTES) {
        throw ContractException("a detector must have at most $MAX_DETECTOR_BYTES bytes, got ${content.limit()}")
    }
    val found = hexOf(MessageDigest.getInstance("SHA-256").apply { update(content.duplicate()) }.digest())
    if (found != plan.detectorSha256) {
        throw ContractException("the detector must have the SHA-256 ${plan.detectorSha256}, got $found; copy it again")
    }
    val kind = kindOf(content)
    if (kind != plan.detector) {
        throw ContractException("the contract promises the detector ${plan.detector.spelling}, the file is ${kind.spelling}")
    }
}

/** Which detector a flatbuffer is, by what goes in and comes out, after the check that every model goes through. */
private fun kindOf(content: ByteBuffer): DetectorKind {
    val checked = checkModel(content)
    val found = checked.inputs + checked.outputs
    return DetectorKind.entries.firstOrNull { kind ->
        val shapes = shapesOf(kind)
        found.size == shapes.size && found.map(::staticShape).toSet() == shapes.toSet()
    } ?: throw ContractException(
        "a detector must be one of MediaPipe's for faces (${DetectorKind.entries.joinToString("; ") { "${it.spelling}: float32 ${shapesOf(it)}" }}), " +
            "got ${found.joinToString { "${it.type} ${it.shape}" }}; name another file",
    )
}

/** What goes in, then both that come out. */
private fun shapesOf(kind: DetectorKind): List<Lengths> {
    val grid = AnchorGrid.of(kind)
    val (side, anchors) = grid.sidePx.toLong() to grid.count.toLong()
    return listOf(listOf(1, side, side, 3), listOf(1, anchors, ROW.toLong()), listOf(1, anchors, 1))
}

/** A float tensor's shape; empty for any other. */
private fun staticShape(one: Tensor): Lengths =
    if (one.type == Type.FLOAT32 && one.signature == one.shape) one.shape else emptyList()
