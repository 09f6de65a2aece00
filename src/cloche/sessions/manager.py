"""The use cases of sessions. Every door calls these and adds no behaviour of its own."""
