"""A test a clause: what stands as executed in the policy is proven here, by its name."""
