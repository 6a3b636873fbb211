"""The recipe: derives the int8 nets from the published weights.

`run` prepares an environment with TensorFlow and ONNX outside the repository
(`requirements/models.txt`) and starts `derive`, `originals` or `own_embedder` in it. The other
modules are imported there only: the project's own environment has no TensorFlow.
"""
