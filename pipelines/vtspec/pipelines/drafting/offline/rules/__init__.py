"""What is found in a text: one module a family of rules."""
