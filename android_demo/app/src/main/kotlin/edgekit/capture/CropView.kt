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

/**
 * A frame on a photo.
 *
 * @property box In pixels of the upright photo.
 * @property name Written at the frame's upper edge; null for none.
 */
internal class Mark(val box: Box, val colour: Int, val name: String? = null)

/** A photo with what was judged of it, each framed in the colour of its answer. */
class CropView @JvmOverloads constructor(context: Context, attributes: AttributeSet? = null) : View(context, attributes) {
    private val paint = Paint(Paint.FILTER_BITMAP_FLAG or Paint.ANTI_ALIAS_FLAG)
    private var photo: Bitmap? = null
    private var size = SizeWh(1, 1)
    private var marks = emptyList<Mark>()

    /** @param size Of the upright photo. */
    internal fun show(photo: Bitmap?, size: SizeWh, marks: List<Mark>) {
        this.photo = photo
        this.size = size
        this.marks = marks
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
        for (mark in marks) {
            val box = mark.box
            val frame = RectF(left + scale * box.left, top + scale * box.top, left + scale * box.right, top + scale * box.bottom)
            // Dark below light: seen on any photo.
            outline(canvas, frame, DARK, 4 * density)
            outline(canvas, frame, mark.colour, 2 * density)
        }
        // Above all frames: one of a neighbour must not cross a name out.
        for (mark in marks) mark.name?.let { name(canvas, it, left + scale * mark.box.left, top + scale * mark.box.top, mark.colour) }
    }

    /** A name above a corner, or as near as the view lets it. */
    private fun name(canvas: Canvas, name: String, x: Float, y: Float, colour: Int) {
        val density = resources.displayMetrics.density
        val (pad, spaced) = 4 * density to NAME_DP * density * resources.configuration.fontScale
        paint.style = Paint.Style.FILL
        paint.textSize = spaced
        val (wide, high) = paint.measureText(name) + 2 * pad to spaced + 2 * pad
        val left = x.coerceIn(0f, maxOf(0f, width - wide))
        val top = (y - high).coerceIn(0f, maxOf(0f, height - high))
        paint.color = DARK
        canvas.drawRect(left, top, left + wide, top + high, paint)
        paint.color = colour
        canvas.drawText(name, left + pad, top + high - pad - paint.descent() / 2, paint)
    }

    private fun outline(canvas: Canvas, frame: RectF, colour: Int, widthPx: Float) {
        paint.style = Paint.Style.STROKE
        paint.strokeWidth = widthPx
        paint.color = colour
        canvas.drawRect(frame, paint)
    }

    private companion object {
        const val DARK = 0xCC000000.toInt()
        const val NAME_DP = 14
    }
}
