//! Outbound MCP: spends a Permit and adds the token last.
