"""Drivers for whatever presents a credential or drives a door: frames and bits, never residents."""
