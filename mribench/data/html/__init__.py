"""The catalogue of cards as one HTML file: ``page`` gives the text, beside it are template, style and script."""
