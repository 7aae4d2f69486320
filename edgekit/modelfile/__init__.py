"""The artefact: a TFLite flatbuffer with metadata, labels and contract in one file."""
