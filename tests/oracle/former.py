"""What a month keeps of objections, verified erasures and unsubscriptions, for the months after it."""

from __future__ import annotations

from typing import Any

from .model import Options, Shop, World
from .requests import STOPPING, row_decides
from .world import build


def effects_after(shop: Shop, month: str, *, options: Options | None = None) -> list[dict[str, Any]]:
    """The effects that stand stored after a successful month, in the shape of Options.stored_effects.

    What earlier months stored (options.stored_effects) stays, unless its row decides, which replaces it.
    """
    chosen = options or Options()
    world = build(shop, month, chosen)
    return [*_requests(world), *_unsubscriptions(world),
            *(dict(effect) for effect in chosen.stored_effects if not row_decides(world, effect))]


def _requests(world: World) -> list[dict[str, Any]]:
    found = []
    for request in world.requests:
        row = request.row
        names = any(row[column] is not None for column in ("contact_id", "customer_id", "email"))
        # reading: an erasure that nobody verified has stopped marketing as an objection does, and that stays.
        if not names or not request.counts or request.kind not in STOPPING or not world.by(request.received):
            continue
        keys = {row["email_key"]} | {world.subjects[who].row["email_key"] for who in request.reached}
        found.append({
            "request": row["request_id"], "kind": request.kind, "received": request.received,
            "verified": request.verified if world.by(request.verified) else None, "by_email": request.by_email,
            "subjects": list(request.reached), "email_keys": sorted(key for key in keys if key)})
    return found


def _unsubscriptions(world: World) -> list[dict[str, Any]]:
    found = []
    for row in world.tables["newsletter_subscriptions"]:
        subscribed, unsubscribed = row["subscribed_at"], row["unsubscribed_at"]
        counts = world.by(unsubscribed) and (subscribed is None or subscribed <= unsubscribed)
        if row["email_key"] and counts:
            found.append({"request": row["subscription_id"], "kind": "unsubscription", "received": unsubscribed,
                          "email_keys": [row["email_key"]]})
    return found
