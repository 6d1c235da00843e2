"""How the embedded checkpoint was made: rendered clips, closed-form latents, a diffusion transformer, a probe."""
