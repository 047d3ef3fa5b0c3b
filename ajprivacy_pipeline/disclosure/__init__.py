"""Statistical disclosure control: suppression of cells, recoding of microdata, scanning of texts.

Does not belong here: SQL models, files, Dagster.
"""
