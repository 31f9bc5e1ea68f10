//! Kleene's three-valued logic: what is not known stays unknown unless the rest decides.

/// A truth value; the order makes "and" the least and "or" the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tri {
    /// It does not hold.
    False,
    /// It depends on what is not known.
    Unknown,
    /// It holds.
    True,
}

impl Tri {
    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// At least one holds.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.max(other)
    }

    /// All hold; true of none. Stops at the first that does not.
    pub fn all(items: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::True;
        for item in items {
            all = all.and(item);
            if all == Self::False {
                break;
            }
        }
        all
    }

    /// Any holds; false of none. Stops at the first that does.
    pub fn any(items: impl IntoIterator<Item = Self>) -> Self {
        let mut any = Self::False;
        for item in items {
            any = any.or(item);
            if any == Self::True {
                break;
            }
        }
        any
    }

    /// Whether it holds for certain.
    pub fn is_true(self) -> bool {
        self == Self::True
    }

    /// Whether it fails for certain.
    pub fn is_false(self) -> bool {
        self == Self::False
    }
}

impl From<bool> for Tri {
    fn from(b: bool) -> Self {
        if b { Self::True } else { Self::False }
    }
}

impl std::ops::Not for Tri {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
            Self::True => Self::False,
        }
    }
}
