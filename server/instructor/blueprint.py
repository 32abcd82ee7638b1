"""The staff's pages, one module per subject."""

from flask import Blueprint

pages = Blueprint("instructor", __name__, url_prefix="/courses/<course>/staff")
