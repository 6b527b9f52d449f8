//! OAuth towards Servers: discovery, registration, sign-in, refresh, revocation.
