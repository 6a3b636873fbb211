"""MQTT: the one connection that camera and estate use, its TLS certificate and its errors."""
