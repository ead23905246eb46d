"""What the frameworks on PyTorch share: state, export, errors."""
