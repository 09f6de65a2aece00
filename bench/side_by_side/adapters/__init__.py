"""Every way to a browser that is compared: one module each, listed in the order in which tables show them."""
