"""Updates on the camera: what may be installed, the version floor, and when a slot is good.

Root runs it; RAUC writes the slots. Imports `trust`, `delivery`, `record`, `folder` and `config`;
only `__main__` imports it.
"""
