"""Where sessions and artifacts meet: what is taken out of a session, and the use cases that every door calls."""
