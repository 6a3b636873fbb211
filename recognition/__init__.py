"""Face recognition: detection, alignment, quality, embedding and search; pixels in, templates out.

The camera and the enrolment desk import this library and make templates with the same code. The
library stores nothing and logs nothing. It has no lamp, no camera and no network. Only `firmware`
can read the pixels of a camera's frame, and it needs a proof of light for that. Imports: `formats`.
"""
