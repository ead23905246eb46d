"""Pull requests in, runs and comments out: what is wanted, what is there, and what to do. Pure."""
