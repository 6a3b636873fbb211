"""The camera's programs: `lampguard` owns the lamp, `watch` sees faces, `courier` has network."""
