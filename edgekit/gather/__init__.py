"""Photos into a data folder: imported from anywhere, or taken at a camera by a plan."""
