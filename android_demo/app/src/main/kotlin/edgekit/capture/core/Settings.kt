package edgekit.capture.core

/** What a person chose; kept over restarts. */
data class Settings(
    /** Crops of a verdict; null leaves number and early end to the model's contract. */
    val crops: Int? = null,
    /** Crops that are scored at the same time, 1 to [MOST_THREADS]. */
    val threads: Int = DEFAULT_THREADS,
    /** Whether the GPU is asked for; what was got is told beside the latency. */
    val gpu: Boolean = false,
    /** Whether stored captures are also put into the upload folder. */
    val uploads: Boolean = false,
    /** Whether the front camera was in use last. */
    val frontCamera: Boolean = false,
) {
    companion object {
        const val MOST_THREADS = 8
        const val MOST_CROPS = 30
        const val DEFAULT_THREADS = 2

        /** What is stored, by key; a value that is absent or out of range is the default's. */
        fun read(stored: KeyValues): Settings = Settings(
            crops = stored["crops"]?.toIntOrNull()?.takeIf { it in 1..MOST_CROPS },
            threads = stored["threads"]?.toIntOrNull()?.takeIf { it in 1..MOST_THREADS } ?: DEFAULT_THREADS,
            gpu = stored["gpu"] == "true",
            uploads = stored["uploads"] == "true",
            frontCamera = stored["front_camera"] == "true",
        )
    }

    /** Stores all of it. */
    fun write(stored: KeyValues) {
        stored["crops"] = crops?.toString()
        stored["threads"] = threads.toString()
        stored["gpu"] = gpu.toString()
        stored["uploads"] = uploads.toString()
        stored["front_camera"] = frontCamera.toString()
    }
}

/** A small store of texts by key, such as Android's preferences. */
interface KeyValues {
    /** The text of a key; null where there is none. */
    operator fun get(key: String): String?

    /** Stores a text, or removes the key. */
    operator fun set(key: String, value: String?)
}
