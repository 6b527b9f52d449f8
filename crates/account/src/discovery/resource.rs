//! Whether a token for one resource may be sent to one endpoint. The answer is yes only for the endpoint itself and what
//! lies above it on the same origin.

use url::Url;

/// Whether `resource` is `endpoint`, or a path above it at the same origin (RFC 9728 §3.3, RFC 8707 §2).
pub(crate) fn covers(resource: &str, endpoint: &Url) -> bool {
    let Ok(url) = Url::parse(resource) else { return false };
    let clean = matches!(url.scheme(), "https" | "http")
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && url.host_str().is_some();
    if !clean || url.origin() != endpoint.origin() {
        return false;
    }
    if url.query().is_some() && url.query() != endpoint.query() {
        return false;
    }
    let above = url.path().trim_end_matches('/');
    endpoint.path().strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_covers_its_endpoint_and_nothing_beside_it() {
        // CA-32, RFC 9728 §3.3
        let endpoint = Url::parse("https://mcp.example/a/mcp").expect("a URL");
        for resource in [
            "https://mcp.example/a/mcp",
            "https://mcp.example/a/mcp/",
            "https://mcp.example/a",
            "https://mcp.example/",
            "https://mcp.example",
            "HTTPS://MCP.EXAMPLE:443/a/mcp",
        ] {
            assert!(covers(resource, &endpoint), "{resource}");
        }
        for resource in [
            "https://evil.example/a/mcp",
            "https://mcp.example.evil.example/a/mcp",
            "http://mcp.example/a/mcp",
            "https://mcp.example:8443/a/mcp",
            "https://mcp.example/a/m",
            "https://mcp.example/a/mcp/more",
            "https://mcp.example/b",
            "https://mcp.example/a/mcp#x",
            "https://mcp.example/a/mcp?tenant=1",
            "https://user@mcp.example/a/mcp",
            "urn:mcp",
            "",
        ] {
            assert!(!covers(resource, &endpoint), "{resource}");
        }
    }
}
