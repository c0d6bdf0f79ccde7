"""What rankings say together: quality, agreement, the effect of positions. Pure."""
