"""The pure core: who may pass, where, when, and why not. No I/O, no clock, no log; standard library only."""
