"""What the command lines of the desk and of the estate share: refusals, questions, tables, text.

The camera's command line has no part in it: the camera installs neither Typer nor Rich.
"""
