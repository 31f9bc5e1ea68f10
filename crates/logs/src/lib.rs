//! AWS security logs: decoded once, kept in an open lake, and proven untampered.

