"""Going somewhere with a tab: one navigation of the browser itself each, never a fetch beside it.

`destination` (pure) says which addresses may be asked for. `journey` (pure) reads from DevTools' events how a tab's
main frame gets on with it: redirects, answer, commit, lifecycle. `follow` is the shell around both that begins a
navigation, waits and makes the answer; `redirects` stands in the way of a hop too many, `failures` tells why it did not
work out. `navigate` and `history` are the use cases.

Policy is the gateway's: it judges every hop and every sub-resource; here it is only asked what it refused.
"""
