"""What is measured: one module each. A scenario has a name, options of its own, a run and a page of its results."""
