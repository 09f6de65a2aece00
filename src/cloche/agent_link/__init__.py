"""The host's side of the link to an agent.

`listen` accepts the agent's own connection (register, heartbeats, browser news) and keeps its lease alive; `streams`
opens connections the other way, through the guest socket, and checks the descriptors that come back; `http` asks the
agent's HTTP API over such a stream, `guest` the guest protocol, and `guest_report` takes its answers apart. `dial`
reaches agents that no session stands for: on a unix socket, behind a virtual machine monitor, over vsock.

Every byte and descriptor that arrives here was made inside a sandbox and may be hostile: sizes, rates, counts and
types are checked before use, and nothing a guest does may block the loop or end the daemon. Knows nothing of
sessions; the sessions layer hands in a `LinkHandler`.
"""
