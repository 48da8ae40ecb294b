namespace OnCache.Agent.Tests.Configuration;

/// <summary>Configuration files that are right.</summary>
internal static class ConfigurationText
{
    public const string Full =
        """
        apiVersion: oncache.io/v1alpha1
        kind: NodeCacheConfig
        metadata: { name: n1 }
        spec:
          cacheSizes: { filter: 2048, egress: 10, ingress: 20 }
          lease: 1m30s
          settle: 500ms
          exclusions:
            cidrs: [ "10.1.0.0/16" ]
            ports: [ { protocol: TCP, port: 5432 }, { protocol: UDP, port: 53 } ]
            namespaces: [ monitoring ]
            podSelectors: [ { matchExpressions: [ { key: app, operator: NotIn, values: [ web ] } ] } ]
          policies:
          - name: default
            priority: 7
            mode: Observe
            hostRules: Ignore
            protocols: [ TCP, ICMP ]
            namespaces: { names: [ default ], selector: { matchLabels: { team: blue } } }
            podSelector: { matchLabels: { app: web } }
        ---
        apiVersion: oncache.io/v1alpha1
        kind: LocalEndpoints
        metadata: { name: n1 }
        namespaces: [ { name: default, labels: { team: blue } } ]
        endpoints:
        - name: n1p1
          namespace: default
          uid: u1
          ip: 10.244.1.2
          labels: { app: web }
          annotations: { oncache.io/accelerate: "false" }
          hostNetwork: true
        networkPolicies:
        - metadata: { name: web, namespace: default }
          spec:
            podSelector: { matchExpressions: [ { key: app, operator: In, values: [ web ] } ] }
            policyTypes: [ Ingress, Egress ]
            ingress:
            - from: [ { podSelector: {}, namespaceSelector: { matchLabels: { team: blue } } } ]
              ports: [ { protocol: UDP, port: dns }, { port: 8000, endPort: 8080 } ]
            egress:
            - to: [ { ipBlock: { cidr: 10.0.0.0/8, except: [ 10.1.0.0/16 ] } } ]
        """;

    public static string Minimal(string node, string policy = "default") =>
        $$"""
        apiVersion: oncache.io/v1alpha1
        kind: NodeCacheConfig
        metadata: { name: {{node}} }
        spec:
          policies: [ { name: {{policy}} } ]
        ---
        apiVersion: oncache.io/v1alpha1
        kind: LocalEndpoints
        metadata: { name: {{node}} }
        """;
}
