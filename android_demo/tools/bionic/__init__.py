"""Android's native libraries on another C library than Android's."""
