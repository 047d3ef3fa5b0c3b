-- model: retention.basis
-- grain: one row
-- params: as_of, policy_version
-- reads:
-- doc: The day and the version of the policy that the month's decisions name.
SELECT CAST($as_of AS DATE) AS as_of, $policy_version AS policy_version
