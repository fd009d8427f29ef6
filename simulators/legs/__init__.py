"""The legs that `menjin demo --check` walks."""
