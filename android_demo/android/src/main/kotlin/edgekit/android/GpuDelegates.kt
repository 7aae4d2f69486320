package edgekit.android

import edgekit.runtime.ModelException
import java.io.Closeable
import java.lang.reflect.InvocationTargetException

/** TFLite's GPU delegate, looked up by name: apps without it are smaller by 2 MB for each ABI. */
internal object GpuDelegates {
    const val DELEGATE = "org.tensorflow.lite.gpu.GpuDelegate"
    const val SUPPORT = "org.tensorflow.lite.gpu.CompatibilityList"
    private const val REMEDY =
        "add com.google.ai.edge.litert:litert-gpu (the version of litert) to the app's dependencies, or ask for Accelerator.CPU"

    /**
     * Makes a delegate; it belongs to the thread that makes it.
     *
     * @throws ModelException it is no part of the app, does not know this phone's GPU, or failed
     */
    fun open(): Closeable {
        try {
            make(SUPPORT).use { list ->
                if (list.javaClass.getMethod("isDelegateSupportedOnThisDevice").invoke(list) != true) {
                    throw ModelException(
                        "the GPU delegate must know this phone's GPU, which is not on its list; ask for Accelerator.CPU",
                    )
                }
            }
            return make(DELEGATE)
        } catch (absent: ClassNotFoundException) {
            throw ModelException("the GPU delegate must be a part of the app, ${absent.message} is not there; $REMEDY", absent)
        } catch (broken: LinkageError) {
            throw ModelException("the GPU delegate in this app is not whole: $broken; $REMEDY", broken)
        } catch (failure: InvocationTargetException) {
            val cause = failure.targetException
            throw ModelException("the GPU delegate failed: $cause; ask for Accelerator.CPU", cause)
        } catch (changed: ReflectiveOperationException) {
            throw ModelException("the GPU delegate is of a version that is not known: $changed; $REMEDY", changed)
        }
    }

    private fun make(name: String): Closeable =
        Class.forName(name).getConstructor().newInstance() as? Closeable
            ?: throw NoSuchMethodException("$name.close")
}
