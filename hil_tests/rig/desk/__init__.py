"""The desk: the camera's three programs on this machine, with simulated lines and scenes."""
