"""The review console: one reviewer's page on the reviewer's own machine."""
