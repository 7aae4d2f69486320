package edgekit.capture

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.RectF
import android.util.AttributeSet
import android.view.View
import edgekit.runtime.Box
import edgekit.runtime.SizeWh

/** A photo with the crops that were judged, each framed in the colour of its answer. */
class CropView @JvmOverloads constructor(context: Context, attributes: AttributeSet? = null) : View(context, attributes) {
    private val paint = Paint(Paint.FILTER_BITMAP_FLAG or Paint.ANTI_ALIAS_FLAG)
    private var photo: Bitmap? = null
    private var size = SizeWh(1, 1)
    private var crops = emptyList<Pair<Box, Int>>()

    /** @param crops Boxes in pixels of the upright photo of that [size], and their colours. */
    fun show(photo: Bitmap?, size: SizeWh, crops: List<Pair<Box, Int>>) {
        this.photo = photo
        this.size = size
        this.crops = crops
        invalidate()
    }

    override fun onDraw(canvas: Canvas) {
        val scale = minOf(width.toFloat() / size.widthPx, height.toFloat() / size.heightPx)
        val left = (width - scale * size.widthPx) / 2
        val top = (height - scale * size.heightPx) / 2
        photo?.let {
            canvas.drawBitmap(it, null, RectF(left, top, left + scale * size.widthPx, top + scale * size.heightPx), paint)
        }
        val density = resources.displayMetrics.density
        for ((box, colour) in crops) {
            val frame = RectF(left + scale * box.left, top + scale * box.top, left + scale * box.right, top + scale * box.bottom)
            // Dark below light: seen on any photo.
            outline(canvas, frame, 0xCC000000.toInt(), 4 * density)
            outline(canvas, frame, colour, 2 * density)
        }
    }

    private fun outline(canvas: Canvas, frame: RectF, colour: Int, widthPx: Float) {
        paint.style = Paint.Style.STROKE
        paint.strokeWidth = widthPx
        paint.color = colour
        canvas.drawRect(frame, paint)
    }
}
