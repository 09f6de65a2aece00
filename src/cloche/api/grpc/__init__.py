"""The gRPC door: `cloche.browser.v1.BrowserService` of `proto/`, with reflection and the standard health service.

    listener   an address that is taken, with or without TLS
    server     a server on it: starts, tells its health, stops
    door       one call on its way: who asks, is it well-formed, what does it fail of
    service    the RPCs about a session's browser, made from the table of use cases
    sessions   the RPCs about sessions themselves, and Health
    rendering  sessions as messages
    counting   how many values a message holds, before it is parsed
    convert    messages to the contract's dataclasses and back, by field names
    status     errors of ours as statuses
    keyless    health and reflection, which need no key, and how many of their calls there may be
    observe    what is counted and logged of calls
    generated  what `script/proto` makes of `proto/`; nothing in it is written by hand

It has no behaviour of its own: the same functions stand behind REST.
"""
