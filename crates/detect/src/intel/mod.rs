//! Threat lists: addresses, networks and domains that are known bad, or known good.
