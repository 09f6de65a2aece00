"""A session's live view: who watches, who has control, and the browser's side of both."""
