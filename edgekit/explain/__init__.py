"""Why a model says so: what of a photo its answer rests on, and what of a data set."""
