"""Photos that are drawn: hard cases, scenes of several people, and the built-in faces that are made of both."""
