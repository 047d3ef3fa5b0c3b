"""The command line `ajprivacy`: arguments in, lines and exit codes out."""
