"""Recommenders, one file each; whatever one learns ends as a table of product, neighbour, score."""
