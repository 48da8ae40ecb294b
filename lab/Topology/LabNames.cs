using System.Globalization;
using System.Text.RegularExpressions;

namespace OnCache.Lab.Topology;

/// <summary>The names a lab gives to namespaces, nodes, pods and files.</summary>
public sealed record LabNames(string Lab)
{
    public const string StateRoot = "/run/oncache-lab";
    public const string Underlay = "eth0";
    public const string Tunnel = "flannel.1";
    public const string Bridge = "cni0";
    public const string WireBridge = "wire0";

    public string Folder => Path.Combine(StateRoot, Lab);

    public string StateFile => Path.Combine(Folder, "lab.json");

    public string ProcessFolder => Path.Combine(Folder, "processes");

    public string BpfMount => Path.Combine(Folder, "bpf");

    public string WireNamespace => $"oncache-{Lab}-wire";

    public static string Node(int node) => string.Create(CultureInfo.InvariantCulture, $"n{node}");

    public static string Pod(int node, int pod) => string.Create(CultureInfo.InvariantCulture, $"n{node}p{pod}");

    /// <summary>The namespace of a node or pod.</summary>
    public string Namespace(string member) => $"oncache-{Lab}-{member}";

    public string BpfRoot(int node) => Path.Combine(BpfMount, Node(node));

    public string AgentConfig(int node) => Path.Combine(Folder, $"{Node(node)}.yaml");

    /// <summary>True for a namespace of this lab, and not of one whose name merely begins like it.</summary>
    public bool Owns(string networkNamespace)
    {
        var prefix = Namespace("");
        return networkNamespace.StartsWith(prefix, StringComparison.Ordinal)
            && Regex.IsMatch(
                networkNamespace[prefix.Length..], "^(wire|n[0-9]+(p[0-9]+)?)$", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));
    }
}
