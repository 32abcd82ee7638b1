"""The student's pages, one module per subject."""

from flask import Blueprint

pages = Blueprint("student", __name__)
