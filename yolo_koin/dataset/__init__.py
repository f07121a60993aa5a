"""Reading KoIn, preparing photos, and laying them out for training."""
