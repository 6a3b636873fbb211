"""What runs on the camera: `lampguard` has the lamp, `watch` the faces, `courier` the network."""
