"""What runs on the untrusted side. Imports nothing of the project but itself.

Inside the view this package is `gradmark_inside`, hence the relative imports.
"""
