"""A spec and what the world says become a plan: ids, origins, warnings, differences, past runs."""
