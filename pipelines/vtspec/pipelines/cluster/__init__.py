"""Runs on Kubernetes: what a plan is there, begun, followed and ended."""
