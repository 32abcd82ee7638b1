"""What a call gave and whether it was right: the part of the engine that students also hold.

This package is copied verbatim into what `gradmark release` hands out, so that the local
self-check judges and words exactly as the server does. It needs nothing but torch, imports
nothing outside itself and knows no reference, no hidden case and no secret.
"""
