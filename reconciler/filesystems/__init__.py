"""Remote file systems, opened from URLs, for sources and destinations alike."""
