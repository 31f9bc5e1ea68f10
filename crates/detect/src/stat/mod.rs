//! Statistics: what tells machines from people, and noise from signal.
