"""The rights of the person, from request to answer.

    requests ──> states (what may follow) ──> commands (one step each, appended)
        └──> person (whose it is) ──> rows, copies (what is held) ──> package ──> page, files

Belongs here: requests, their deadlines and steps, what is answered. Does not belong here: what a request changes in
decisions (`sql/retention`), changing the warehouse (`enforcement`).
"""

DAILY = "requests_daily"  # the job, and who makes its plans
