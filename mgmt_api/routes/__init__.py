"""The HTTP surface: each file reads a request, calls one service, shapes one answer."""
