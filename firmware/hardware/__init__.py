"""What the camera is made of: the lamp's lines, the proof of light, the sensor."""
