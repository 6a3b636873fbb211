"""How this project speaks MQTT, on the camera and on the estate's side: one connection, one way."""
