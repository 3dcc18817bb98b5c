"""Settings for data that a user brings: what is in the folder, a recipe for it, the file."""
