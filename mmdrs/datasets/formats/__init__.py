"""Image-level labels in the formats in which others keep them."""
