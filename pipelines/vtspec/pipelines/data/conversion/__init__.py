"""Data of one format written in another: what is carried, what cannot be, and what comes back."""
