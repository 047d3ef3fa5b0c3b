"""`python -m ajprivacy_pipeline` is `ajprivacy`."""

from ajprivacy_pipeline.cli.main import main

main()
