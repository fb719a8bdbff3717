"""What the bytes of a file are: detectors that are given bytes and say what they see. No input or output."""
