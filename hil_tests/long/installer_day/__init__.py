"""`make installer-day`: three cameras from the card image to armed, updated, and wiped.

`day` is the script of steps, in the order of docs/install.md; the other modules are what it works
with. Each command is the one that a person types. `steps` prints the table of times.
"""
