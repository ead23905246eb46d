"""What an adapter reads: the labelled images of a split, and the hash of a dataset's content."""
