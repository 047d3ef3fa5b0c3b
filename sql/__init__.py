"""The SQL models, one SELECT a file: `sql/<layer>/<model>.sql`. Data only, read by `storage.catalogue`."""
