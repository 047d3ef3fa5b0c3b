"""Pages for people outside the team: authorities, auditors, the people the data is about.

Belongs here: turning policy data and counts into pages and their JSON. Does not belong here: deciding anything.
"""
