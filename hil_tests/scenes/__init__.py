"""Scenes: what a camera sees on a rig, from drawn streets and crowds to videos and webcams.

Imports only `errors`; every other folder may import it.
"""
