"""Hardware: GPIO lines of the lamp, proof of light, image sensor, accelerator, temperature."""
