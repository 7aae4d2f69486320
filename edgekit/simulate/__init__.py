"""A photo on a screen or a print, photographed again."""
