"""One file a service; each is a pure function from `Inputs` to an `Estimate`."""
