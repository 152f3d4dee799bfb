"""Looking into a trained run: its metrics again, attention maps, latent intents, the item-embedding projector."""
