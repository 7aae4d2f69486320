"""Looking at photos: contact sheets, histograms, frequency spectra."""
