//! The one path of a Call, and the use cases around it.
