"""Attacks the prompt gate on purpose: disguises (`transforms`), reframings (`tactics`) and a searching `attacker`."""
