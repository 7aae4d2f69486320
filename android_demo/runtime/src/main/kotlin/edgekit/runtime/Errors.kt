package edgekit.runtime

/**
 * Every failure that the user of a runtime can act on; anything else that escapes is a bug.
 *
 * The message says the rule, what came, and what to do.
 */
public sealed class EdgekitException(message: String, cause: Throwable? = null) : Exception(message, cause)

/** A model file, or the contract inside it, is not what it claims to be. */
public class ContractException(message: String, cause: Throwable? = null) : EdgekitException(message, cause)

/** The interpreter refuses the model, or fails while it runs. */
public class ModelException(message: String, cause: Throwable? = null) : EdgekitException(message, cause)

/** One photo or camera frame can't be used within the limits. */
public class PhotoException(message: String, cause: Throwable? = null) : EdgekitException(message, cause)

/** Frames of a video that do not follow each other: times that go backwards, other labels. */
public class VideoException(message: String, cause: Throwable? = null) : EdgekitException(message, cause)

/** A record (verdict, capture, export) is no JSON, or not of the form that it must have. */
public class RecordException(message: String, cause: Throwable? = null) : EdgekitException(message, cause)
