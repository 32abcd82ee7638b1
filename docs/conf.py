"""The pages as a searchable site: `make docs`. The repository is the source, so that a link works
on the site as it does in the files."""

from importlib import metadata

project = "Gradmark"
version = release = metadata.version("gradmark")
root_doc = "docs/index"
include_patterns = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/*.md", "docker/README.md"]
exclude_patterns = [".*", "build", "tests", "var"]

extensions = ["myst_parser"]
myst_heading_anchors = 4  # a link to a heading is a link that can break
myst_enable_extensions = ["dollarmath"]
nitpicky = True

html_theme = "alabaster"
html_theme_options = {
    "description": "Autograded exercises for deep-learning courses",
    "page_width": "70rem",
    "fixed_sidebar": True,
}
html_sidebars = {"**": ["about.html", "searchfield.html", "navigation.html"]}
html_copy_source = False
html_show_sphinx = False
