package edgekit.capture

import edgekit.capture.core.REPOSITORY
import java.io.File
import javax.xml.parsers.DocumentBuilderFactory
import org.junit.Assert.assertEquals
import org.junit.Test
import org.w3c.dom.Element

/** Both languages say the same things, with the same values in them, and no text stands anywhere else. */
class StringsTest {
    private val res = File(REPOSITORY, "android_demo/app/src/main/res")

    private fun strings(folder: String): Map<String, List<String>> {
        val root = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(File(res, "$folder/strings.xml")).documentElement
        val nodes = (0 until root.childNodes.length).map(root.childNodes::item).filterIsInstance<Element>()
        return nodes.filter { it.getAttribute("translatable") != "false" }.associate { it.getAttribute("name") to placeholders(it.textContent) }
    }

    private fun placeholders(text: String): List<String> = Regex("%[0-9]+\\$[sd]").findAll(text).map { it.value }.toSet().sorted()

    @Test
    fun `German has every text, with the same values`() = assertEquals(strings("values"), strings("values-de"))

    @Test
    fun `every text and every picture is used`() {
        val sources = listOf("kotlin", "res").flatMap { folder -> File(res.parentFile, folder).walk().filter(File::isFile) }
            .filter { it.name != "strings.xml" } + File(res.parentFile, "AndroidManifest.xml")
        val used = sources.joinToString("\n") { it.readText() }
        fun unused(kind: String, names: Collection<String>) =
            names.filterNot { Regex("(R\\.$kind\\.|@$kind/)$it\\b").containsMatchIn(used) }
        val texts = unused("string", strings("values").keys).toSet().intersect(unused("plurals", strings("values").keys))
        assertEquals(emptySet<String>(), texts)
        assertEquals(emptyList<String>(), unused("drawable", File(res, "drawable").list()!!.map { it.removeSuffix(".xml") }))
    }

    @Test
    fun `no text stands in a layout`() {
        val layouts = listOf("layout", "layout-land").flatMap { File(res, it).listFiles()!!.toList() }
        val bare = Regex("android:(text|contentDescription|hint|title)=\"(?!@string/)")
        assertEquals(emptyList<String>(), layouts.filter { bare.containsMatchIn(it.readText()) }.map { it.name })
    }
}
