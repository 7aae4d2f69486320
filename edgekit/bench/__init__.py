"""Stage 5b: what a model costs on a device, and what each extra crop buys there."""
