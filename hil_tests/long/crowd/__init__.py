"""Crowds whose truth is known, drawn and walked past the whole camera: who becomes an event."""
