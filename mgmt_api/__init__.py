"""The management plane: sync with central, residents and zones, users, events, and the console's interface.

May import `gateway.access` and `config`. `create_app` in `app` puts it together; `run` in `__main__` serves it.
"""
