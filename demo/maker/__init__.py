"""Parts of make_demo.py: recipe, sources, sound, drawing, encoding, licences."""
