"""The doctor of a camera: what is there, what is missing, whether it is armed."""
