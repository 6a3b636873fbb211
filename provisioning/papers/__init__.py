"""What is printed: labels of cameras, the sign for the public, pages that two people sign."""
