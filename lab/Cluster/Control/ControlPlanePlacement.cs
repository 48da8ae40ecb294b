using System.Globalization;

namespace OnCache.Lab.Cluster.Control;

/// <summary>Where an API server listens.</summary>
/// <param name="NetworkNamespace">A name under <c>/run/netns</c>; null for the machine's own.</param>
/// <param name="Address">An address of that namespace.</param>
/// <param name="Port">TCP.</param>
/// <param name="ApiServerArguments">Further flags of kube-apiserver, after the lab's own.</param>
/// <param name="DefinitionPort">TCP, of the server that knows CEL, on the same address; null when there is none.</param>
internal sealed record ControlPlanePlacement(
    string? NetworkNamespace, string Address, int Port, IReadOnlyList<string> ApiServerArguments, int? DefinitionPort = null)
{
    public const string Loopback = "127.0.0.1";

    /// <summary>Reachable by the programs of this machine alone, nodes not included.</summary>
    public bool IsLoopback => string.Equals(Address, Loopback, StringComparison.Ordinal);

    public Uri Server => At(Port);

    public Uri? DefinitionServer => DefinitionPort is { } port ? At(port) : null;

    private Uri At(int port) => new(string.Create(CultureInfo.InvariantCulture, $"https://{Address}:{port}"));
}
