"""The two courses, loaded once per process: to load one takes about half a second."""

from autograder.topics.catalogue import DEFAULT, Catalogue

FIRST = Catalogue.load()
SECOND = Catalogue.load(DEFAULT / "_more")
