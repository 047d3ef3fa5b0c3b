"""Generated shops in which most people ordered once, as most real ones: for microdata alone."""

import math
import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.release import microdata, plan_release, tables
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage.zones import Connection
from tests.release.release_world import World, add

MONTH = "2024-03"
TABLES = ("sales_monthly", "product_demand_monthly", "deliveries_monthly", "service_monthly", "communications_monthly",
          "web_activity_monthly", "service_health_daily", "newsletter_monthly", "retention_monthly")


def rows_of(count: int, once: float = 0.7, seed: int = 1) -> dict[str, list[dict[str, Any]]]:
    """Customers, orders and lines: a share ordered once, the others more and more rarely; age moves what they spend."""
    draw = random.Random(seed)
    rows: dict[str, list[dict[str, Any]]] = {"customers": [], "orders": [], "order_lines": []}
    for i in range(count):
        age, is_business = draw.randint(18, 85), draw.random() < 0.1
        joined = date(2024, 3, 20) - timedelta(days=int(draw.random() ** 2 * 2500))
        rows["customers"].append({
            "customer_id": f"C{i}", "country": "NO", "customer_type": "business" if is_business else "consumer",
            "postal_code": f"{draw.choice('0001123345567789')}150", "profile_created_on": joined,
            "gender": None if is_business else draw.choice(("f", "m", "f", "m", None)),
            "birth_date": None if is_business else date(2023 - age, 5, 5),
            "industry": draw.choice(("retail", "construction", "consulting", "health")) if is_business else None})
        orders = 1 if draw.random() < once else 2 + min(30, int(draw.expovariate(0.7)))
        last = date(2024, 3, 20) - timedelta(days=int(draw.random() * (date(2024, 3, 20) - joined).days))
        for n in range(orders):
            rows["orders"].append({"order_id": f"O{i}x{n}", "customer_id": f"C{i}", "currency": "NOK",
                                   "ordered_on": max(joined, last - timedelta(days=40 * n))})
            rows["order_lines"].append({"order_id": f"O{i}x{n}", "line_number": 1, "product_id": "P1", "quantity": 1,
                                        "unit_price": round(math.exp(draw.gauss(6 + age / 200, 0.9)), 2)})
    return rows


def filled(home: Path, rows: dict[str, list[dict[str, Any]]], policy: Policy | None = None) -> World:
    """A shop whose layers are computed, everybody's name retained."""
    world = World(home, policy or load_policy(NOTICE), left_out=TABLES)
    for table, values in rows.items():
        add(world.con, f"staged.{table}", values)
    add(world.con, "retention.attribute_decisions", [
        {"as_of": date(2024, 4, 1), "subject_id": f"customer:{row['customer_id']}", "attribute": "name",
         "decision": "retain"} for row in rows["customers"]])
    plan = plan_release(world.control, world.policy, MONTH)
    tables.run_layers(world.con, world.policy, plan, world.sql)
    return world


def made(world: World) -> microdata.Snapshot:
    """The microdata of a first release, made and judged."""
    plan = plan_release(world.control, world.policy, MONTH)
    return microdata.build_or_carry_over(world.con, world.settings, world.policy, plan, None, world.sql)


def extraction(con: Connection, unfed: dict[str, list[str]]) -> None:
    """Note that nothing feeds some columns of the warehouse."""
    con.execute("CREATE SCHEMA IF NOT EXISTS raw")
    con.execute("CREATE OR REPLACE TABLE raw.extraction (table_name VARCHAR, present BOOLEAN, rows BIGINT, "
                "missing_columns VARCHAR[], evidence_missing VARCHAR[])")
    add(con, "raw.extraction", [{"table_name": table, "present": True, "rows": 1, "missing_columns": columns,
                                 "evidence_missing": []} for table, columns in unfed.items()])
