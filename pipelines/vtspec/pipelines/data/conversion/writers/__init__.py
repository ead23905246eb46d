"""Label files as text, one module a format. Pure: whoever calls writes them."""
