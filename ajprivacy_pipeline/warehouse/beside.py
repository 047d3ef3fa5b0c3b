"""The tables of schema `raw` that are not the contract's: their columns, for who makes and who traces them.

Belongs here: declarations alone. Does not belong here: filling them (extract, settle), which loads every driver.
"""

# A row a table of the contract: whether it was there, and what of it was not.
EXTRACTION_COLUMNS = ("table_name VARCHAR, present BOOLEAN, rows BIGINT, missing_columns VARCHAR[], "
                      "evidence_missing VARCHAR[]")
# The key of each address that is not its own.
EMAIL_KEY_COLUMNS = "email VARCHAR, email_key VARCHAR"
