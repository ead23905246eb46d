"""A look into a dataset: its images, its counts, what is wrong with it, and a page of it."""
