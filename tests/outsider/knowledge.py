"""What neighbours, colleagues and registers know: who is who, from the sample shop's own tables.

Belongs here: everybody's quasi-identifiers as plain facts (age in years, years as a customer), as a CSV for `--people`.
Does not belong here: what anybody bought; that is what an attack is after.
"""

from datetime import date
from pathlib import Path

import pandas as pd
from sqlalchemy import create_engine

NORWAY = {"no", "nor", "norge", "noreg", "norway"}
COMPANIES = ["business", "sole_proprietor"]
GENDERS = {"female": "f", "male": "m"}


def write_people(url: str, month_end: date, out: Path) -> pd.DataFrame:
    """Write and return a row for each customer of the shop, as known at the end of the month."""
    engine = create_engine(url)
    with engine.connect() as connection:
        shop = pd.read_sql_query("SELECT customer_type, country, postal_code, birth_date, gender, industry, "
                                 "profile_created_at FROM customers", connection)
    engine.dispose()
    people = pd.DataFrame({
        "customer_type": shop["customer_type"].where(shop["customer_type"].isin(COMPANIES), "consumer"),
        "postal_region": [_region(*address) for address in zip(shop["country"], shop["postal_code"], strict=True)],
        "age_band": _years(shop["birth_date"], month_end),
        "gender": shop["gender"].map(GENDERS).fillna("unknown"),
        "industry": shop["industry"].fillna("unknown"),
        "tenure_band": _years(shop["profile_created_at"], month_end),
    })
    people.to_csv(out, index=False)
    return pd.read_csv(out, dtype=str)


def _region(country: object, code: object) -> str:
    if pd.notna(country) and str(country).lower() not in NORWAY:
        return "abroad"
    if pd.isna(code) or not str(code).strip():
        return "unknown"
    text = str(code).strip()
    return text[0] if text.isdigit() and len(text) == 4 else "abroad"


def _years(dates: pd.Series, month_end: date) -> pd.Series:
    """Whole years by the month's end, as text; `unknown` without a date, 0 when it lies ahead."""
    begun = pd.to_datetime(dates)
    months = 12 * (month_end.year - begun.dt.year) + month_end.month - begun.dt.month
    return (months.clip(lower=0) // 12).astype("Int64").astype("string").fillna("unknown")
