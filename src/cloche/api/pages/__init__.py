"""Pages a person opens: the live page and the API's description.

Each is one HTML file with its style and script put in between, under a content security policy that lets nothing
else run or load: the page works on a server without internet, and a session's page cannot smuggle a script in.
"""
