"""The prepared set on disk: a Hugging Face ``datasets`` folder with a manifest, named by what it was made from.

``dataset`` saves and loads one, ``identity`` names it, ``export`` writes it for other tools. The bytes of the content
key and of the identities are a promise: a change makes every set that exists another one.
"""
