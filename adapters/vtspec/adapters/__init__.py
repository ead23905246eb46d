"""What runs inside a framework's environment: the contract, and one module per framework."""
