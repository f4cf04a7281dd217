"""Forecasters, one file each and all of the same shape, and what turns their answers into a forecast.

A forecaster is a module with `fit(sales, config, seed) -> Member`; see `ml.forecast.member`.
"""
