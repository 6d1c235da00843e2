"""Says where a video comes from, and checks what a video says. Opens no database."""
