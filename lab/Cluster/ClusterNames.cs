using System.Globalization;
using System.Text.RegularExpressions;

namespace OnCache.Lab.Cluster;

/// <summary>The names a cluster gives to its files, namespaces and control groups.</summary>
/// <param name="Cluster">Same rules as a lab's name.</param>
internal sealed record ClusterNames(string Cluster)
{
    // Not below /run: container images and etcd's data would fill a tmpfs.
    public const string Root = "/var/lib/oncache-lab";

    public string Folder => Path.Combine(Root, Cluster);

    public string StateFile => Path.Combine(Folder, "cluster.json");

    public string ProcessFolder => Path.Combine(Folder, "processes");

    public string LogFolder => Path.Combine(Folder, "logs");

    /// <summary>Certificates, etcd's data and socket.</summary>
    public string ControlFolder => Path.Combine(Folder, "control");

    public string CredentialFolder => Path.Combine(Folder, "kubeconfig");

    public string NodeFolder(string node) => Path.Combine(Folder, "nodes", node);

    public string ControlNamespace => Namespace("cp");

    public string WireNamespace => Namespace("wire");

    public static string Node(int node) => string.Create(CultureInfo.InvariantCulture, $"n{node}");

    /// <summary>Also the node's control group.</summary>
    public string Namespace(string member) => $"oncluster-{Cluster}-{member}";

    /// <summary>True for a namespace or control group of this cluster, and not of one whose name merely begins like it.</summary>
    public bool Owns(string name)
    {
        var prefix = Namespace("");
        return name.StartsWith(prefix, StringComparison.Ordinal)
            && Regex.IsMatch(name[prefix.Length..], "^(cp|wire|n[0-9]+)$", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));
    }
}
