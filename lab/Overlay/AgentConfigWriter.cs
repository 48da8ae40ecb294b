using System.Globalization;
using System.Text;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Overlay;

/// <summary>The node agent's configuration of one node: a policy for everything, and the node's pods.</summary>
internal static class AgentConfigWriter
{
    public static string Render(NodePlan node, AgentPolicy agent)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"""
            apiVersion: oncache.io/v1alpha1
            kind: NodeCacheConfig
            metadata:
              name: {node.Name}
            spec:
              policies:
              - name: lab
                mode: {agent.Mode}

            """);
        if (agent.Excluded is { } prefix)
        {
            text.Append(CultureInfo.InvariantCulture, $"  exclusions: {{ cidrs: [\"{prefix}\"] }}\n");
        }

        if (agent.Flows is { } flows)
        {
            text.Append(CultureInfo.InvariantCulture, $"  cacheSizes: {{ filter: {flows} }}\n");
        }

        if (agent.LeaseSeconds is { } lease)
        {
            text.Append(CultureInfo.InvariantCulture, $"  lease: {lease}s\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"""
            ---
            apiVersion: oncache.io/v1alpha1
            kind: LocalEndpoints
            metadata:
              name: {node.Name}
            namespaces:
            - name: default
              labels: {"{}"}

            """);
        text.Append(node.Pods.Count == 0 ? "endpoints: []\n" : "endpoints:\n");
        foreach (var pod in node.Pods)
        {
            text.Append(CultureInfo.InvariantCulture, $$"""
                - name: {{pod.Name}}
                  namespace: default
                  uid: "{{pod.Uid}}"
                  ip: {{AddressPlan.Pod(pod.Node, pod.Index)}}
                  labels: { app: {{pod.Name}} }

                """);
        }

        if (agent.Unrestricted)
        {
            text.Append("networkPolicies: []\n");
        }

        return text.ToString();
    }

    /// <summary>Replaces the file in one step: a reader never sees half of it.</summary>
    public static void Write(string path, NodePlan node, AgentPolicy agent)
    {
        var draft = $"{path}.{Guid.NewGuid():N}";
        File.WriteAllText(draft, Render(node, agent));
        File.Move(draft, path, overwrite: true);
    }
}
