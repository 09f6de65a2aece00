"""Secrets taken out of what is shown and logged of a page: addresses, headers, cookies, storage, bodies, messages.

`names` tells by the words of a name whether its value is secret: `access_token` and `clientSecret` are, `author` and
`token_count` are not. `shapes` knows secrets by their looks, wherever they stand. `urls` takes addresses apart, `text`
free text, cookies and storage, `headers` and `bodies` what was sent and received.

Only the secret is replaced, so that a log stays of use, and what was redacted stays as it is when redacted again.
Nothing here raises, and every pattern runs in time linear in its input: possessive quantifiers, and one start per run.
A name or a look is a guess: this keeps secrets out of logs, it is no wall against a page that hides one on purpose.
"""
