"""The SQL models, one SELECT a file: `sql/<layer>/<model>.sql`. Data only; `ajprivacy_pipeline.storage.catalogue` reads it."""
