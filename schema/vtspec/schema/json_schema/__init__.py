"""JSON Schemas made from the kinds, and the check against them that costs no pydantic."""
