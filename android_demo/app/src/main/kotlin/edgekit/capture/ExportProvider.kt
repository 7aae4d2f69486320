package edgekit.capture

import android.content.ContentProvider
import android.content.ContentValues
import android.content.Context
import android.database.Cursor
import android.database.MatrixCursor
import android.net.Uri
import android.os.ParcelFileDescriptor
import android.provider.OpenableColumns
import java.io.File
import java.io.FileNotFoundException

/** Lets an app that the person chose read one export: its zip, and nothing else of this app. */
class ExportProvider : ContentProvider() {
    override fun onCreate(): Boolean = true

    override fun getType(uri: Uri): String = "application/zip"

    override fun openFile(uri: Uri, mode: String): ParcelFileDescriptor {
        if (mode != "r") throw FileNotFoundException("exports can be read alone, got mode $mode")
        return ParcelFileDescriptor.open(fileOf(uri), ParcelFileDescriptor.MODE_READ_ONLY)
    }

    override fun query(uri: Uri, projection: Array<String>?, where: String?, args: Array<String>?, order: String?): Cursor {
        val columns = projection ?: arrayOf(OpenableColumns.DISPLAY_NAME, OpenableColumns.SIZE)
        val file = try {
            fileOf(uri)
        } catch (_: FileNotFoundException) {
            // An exception of this kind would end the other app.
            return MatrixCursor(columns)
        }
        val row = columns.map { if (it == OpenableColumns.DISPLAY_NAME) file.name else if (it == OpenableColumns.SIZE) file.length() else null }
        return MatrixCursor(columns, 1).apply { addRow(row) }
    }

    override fun insert(uri: Uri, values: ContentValues?): Uri? = throw UnsupportedOperationException("exports can be read alone")

    override fun delete(uri: Uri, where: String?, args: Array<String>?): Int =
        throw UnsupportedOperationException("exports can be read alone")

    override fun update(uri: Uri, values: ContentValues?, where: String?, args: Array<String>?): Int =
        throw UnsupportedOperationException("exports can be read alone")

    private fun fileOf(uri: Uri): File {
        val name = uri.lastPathSegment.orEmpty()
        // A name from outside must not lead out of the folder.
        if (!NAME.matches(name)) throw FileNotFoundException("no export has the name $name")
        val file = File(File(checkNotNull(context).cacheDir, FOLDER), name)
        return if (file.isFile) file else throw FileNotFoundException("the export $name is no longer there")
    }

    companion object {
        const val FOLDER = "exports"
        private val NAME = Regex("edgekit-[a-z]+-[0-9TZ]+\\.zip")

        /** The address of an export for other apps. */
        fun uriOf(context: Context, file: File): Uri =
            Uri.Builder().scheme("content").authority("${context.packageName}.exports").appendPath(file.name).build()
    }
}
