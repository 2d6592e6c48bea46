"""The experts of the paper: pre-trained networks that turn sound, pictures or speech into features."""
