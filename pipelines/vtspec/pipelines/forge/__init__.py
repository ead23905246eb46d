"""Where pull requests are: what is read of them there, and what is written beside them."""
