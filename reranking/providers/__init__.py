"""One file per kind of model, and the registry that opens one by name."""
