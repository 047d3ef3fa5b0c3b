"""The policy that an installation decides by.

Belongs here: putting it together; commands that answer people need it without all that a plan stands on (`ground`).
"""

from ajprivacy_pipeline.policy import Policy, load_policy
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.policy_versions import with_former_neutrals
from ajprivacy_pipeline.warehouse.mapping_file import load_mapping, policy_for


def current_policy(settings: Settings) -> Policy:
    """Returns the policy of an installation, with the tombstones of its mapping and what earlier versions left."""
    policy = load_policy(settings.notice)
    policy = policy_for(policy, load_mapping(settings.mapping_file, policy.sources))
    return with_former_neutrals(policy, ControlStore.in_folder(settings.control))
