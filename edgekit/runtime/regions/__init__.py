"""What a detector finds in a photo, as squares that are classified as if they were photos."""
