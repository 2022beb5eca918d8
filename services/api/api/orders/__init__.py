"""Orders: a list that stays true by a live block, and tells who ordered when it ships."""
