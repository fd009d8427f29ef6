"""What the office decided: how it arrives, is checked, kept, and handed to gateways.

`wire` reads what central sends, `rows` turns it into columns, `store` writes them, `references` checks the whole,
`feed` pages it out. Batches and snapshots are two ways into the same `store`.
"""
