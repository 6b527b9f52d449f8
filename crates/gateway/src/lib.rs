//! Inbound MCP on loopback: proves which Agent calls and hands the Call on.
