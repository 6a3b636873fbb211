"""The self-test of an image's programs, run in the image's own root, also for another processor."""
