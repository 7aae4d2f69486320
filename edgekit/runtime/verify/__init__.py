"""What a TFLite flatbuffer must be before an interpreter sees a byte of it; needs numpy alone."""
