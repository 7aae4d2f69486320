"""Stage 3: calibration, rounding and fake quantization, so that int8 loses less."""
