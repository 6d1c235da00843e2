"""Pixels and files: decode, encode, sample, fingerprint, store. Knows no policy, no score and no signature."""
