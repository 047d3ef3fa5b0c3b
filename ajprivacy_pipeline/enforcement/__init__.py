"""Carrying out what is due: planned, approved, applied, read back, recorded.

Belongs here: plans, their application, the ledger of what was done and the certificate made of it. Does not belong
here: who is due (`sql/retention`), how the warehouse is written (`warehouse/writer`), wiring (`assets`, `cli`).
"""
