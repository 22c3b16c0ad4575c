"""What a set of access rules does to a caller or a destination."""
