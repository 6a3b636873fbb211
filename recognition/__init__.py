"""The eye: pixels in, faces and templates out.

A library without lamp, camera, files of people or network: the camera and the enrolment desk make
templates with the same bytes of code, and neither imports the other. It keeps nothing and logs
nothing. Pixels of a camera's frame can only be had in `firmware`, with a proof of light.
"""
