"""Files with values under keys: TOML, YAML, JSON, the front matter of Markdown, and the constants of Python.

One module a format, chosen by the file's suffix. Each reads a text as nested values and sets one of them in place: only
the value's own characters change; comments, order, quotes and layout stay.
"""
