"""The subcommands of `earshot-training`, one module each; cli.py lists them."""
