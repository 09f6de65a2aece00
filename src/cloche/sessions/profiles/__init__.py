"""Where sessions and profiles meet: starting from one, saving back, and the use cases that every door calls."""
