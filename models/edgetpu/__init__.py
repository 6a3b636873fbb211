"""The Edge TPU: whether the nets fit its published rules (`check`), and their compilation."""
