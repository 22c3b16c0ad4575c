"""What every Azure client here shares: signing in, patience with services, an event loop for many requests."""
