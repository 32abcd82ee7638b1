"""nbgrader: a course directory whose notebooks nbgrader releases and collects and Gradmark grades.

`course` writes the directory. The other modules are named in its `nbgrader_config.py` and loaded by
nbgrader's own commands; only they need nbgrader (`pip install gradmark[nbgrader]`).
"""
