"""A real one-node Kubernetes with Argo Workflows and Kueue, for tests: `docs/test-cluster.md`."""
