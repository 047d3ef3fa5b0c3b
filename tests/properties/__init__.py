"""Properties that hold for every shop: what may happen when a fact, a freeze or a month is added."""
