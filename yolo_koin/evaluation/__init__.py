"""From predictions to numbers: the table of predictions, metrics as pure functions of it, and their intervals and tests."""
