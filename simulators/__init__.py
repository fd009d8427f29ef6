"""A virtual estate made of independent peers: it shares no code with Menjin but the site file's models."""
