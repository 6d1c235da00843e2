"""Weights that ship with framegate, and the digests that pin them."""
