"""The Edge TPU: its form of a net (`prelu`), its published rules (`check`), the compilation."""
