"""Nothing is lost: real programs, a real broker, and whatever goes wrong between them."""
