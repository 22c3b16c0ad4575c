"""What the logs and the inventory hold, what they lack, and what to do about it."""
