"""The evaluation: error rates of the nets on sets of faces, the calibration and the model cards.

`run` measures everything and writes one JSON and one page; `calibrate` writes the thresholds'
table into the manifest; `cards` writes the model cards from the JSON. The sets of pictures stay
outside the repository, and no picture of them is written anywhere.
"""
