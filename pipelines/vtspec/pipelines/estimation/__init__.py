"""What a run will take, in time, memory and money. Pure."""
