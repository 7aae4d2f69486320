package edgekit.runtime

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.ByteArrayOutputStream
import java.io.File
import java.io.PrintStream

class PortMainTest {
    private fun printed(vararg args: String): List<Map<*, *>> {
        val usual = System.out
        val bytes = ByteArrayOutputStream()
        System.setOut(PrintStream(bytes))
        try {
            PortMain.main(arrayOf(*args))
        } finally {
            System.setOut(usual)
        }
        return bytes.toString().trim().lines().map { Json.parse(it) as Map<*, *> }
    }

    @Test
    fun `a picture is the same at its working size or brought to it, and a refusal is a line`(@TempDir folder: File) {
        JvmModel.assumeHere()
        val model = Vectors.file("models/demo-int8.tflite").path
        val large = Picture(1500, 1600, ByteArray(1500 * 1600 * 3) { (it * 31 / 7).toByte() })
        val whole = folder.resolve("whole.rgb").apply { writeBytes(large.rgb) }.path
        val reduced = folder.resolve("reduced.rgb").apply { writeBytes(large.reduce(2).rgb) }.path
        val found = printed(model, "--all-crops", whole, "1500", "1600", whole, "9", "9")
        val same = printed(model, "--all-crops", "--threads", "2", "--reduced", reduced, "750", "800", "1500", "1600", "2")[0]
        assertEquals(found[0]["crop_sha256"], same["crop_sha256"])
        val verdicts = listOf(found[0], same).map { (it["verdict"] as Map<*, *>) - "ms" }
        assertEquals(verdicts[0], verdicts[1])
        assertEquals(10, (verdicts[0]["crops"] as List<*>).size)
        assertEquals(true, "must have 243 bytes" in found[1]["refused"] as String)
    }
}
