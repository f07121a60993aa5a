"""Training: one loop for all networks, and what each task puts into it."""
