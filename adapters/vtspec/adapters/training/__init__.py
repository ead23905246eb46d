"""What training shares: the loop over epochs, checkpoints, early stopping, the event stream."""
