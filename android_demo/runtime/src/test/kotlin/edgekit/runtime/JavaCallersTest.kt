package edgekit.runtime

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import java.io.File
import java.lang.reflect.Executable
import java.lang.reflect.Modifier

/** Java catches a checked exception only of what declares it. */
class JavaCallersTest {
    @Test
    fun `what is documented to refuse declares so`() {
        val silent = documented().filter { (type, name) ->
            calls(type).filter { it.name.endsWith(name) && Modifier.isPublic(it.modifiers) && !it.isSynthetic }.let { found ->
                found.isEmpty() || found.any { it.exceptionTypes.isEmpty() }
            }
        }
        assertEquals(emptyList<Pair<String, String>>(), silent)
    }

    /** The class and the name of each public call whose KDoc says that it throws. */
    private fun documented(): List<Pair<String, String>> {
        val sources = File("src/main/kotlin/edgekit/runtime").listFiles { file -> file.extension == "kt" }!!
        return sources.flatMap { file ->
            val text = file.readText()
            val facade = Regex("@file:JvmName\\(\"(\\w+)\"\\)").find(text)?.groupValues?.get(1)
            CALL.findAll(text).filter { THROWS in it.groupValues[1] }.map { found ->
                val name = found.groupValues[3]
                when {
                    found.groupValues[2] == "class" -> name to name
                    found.value.startsWith(" ") -> (TYPE.findAll(text.take(found.range.first)).last().groupValues[1]) to name
                    else -> facade!! to name
                }
            }
        }.also { assertEquals(true, it.size > 15, "there are such calls: $it") }
    }

    private fun calls(type: String): List<Executable> =
        Class.forName("edgekit.runtime.$type").let { it.declaredMethods.toList() + it.declaredConstructors }

    private companion object {
        const val THROWS = "@throws "
        const val COMMENT = "^ */\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/"
        const val ANNOTATIONS = "(?:\\s*@[\\w:().]+)*"
        val CALL = Regex("$COMMENT$ANNOTATIONS\\s*public (?:data )?(fun|class) (?:\\w+\\.)?(\\w+)", RegexOption.MULTILINE)
        val TYPE = Regex("^public (?:data |enum |sealed |fun )?(?:class|object|interface) (\\w+)", RegexOption.MULTILINE)
    }
}
