"""The check of a mounted camera: what its doctor says, judged for the person on the ladder."""
