"""The rig that proves a build, and what stands in for hardware on a desk; never on a camera."""
