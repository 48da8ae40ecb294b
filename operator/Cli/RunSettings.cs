using System.Net;
using Microsoft.Extensions.Logging;

namespace OnCache.Operator.Cli;

/// <summary>What <c>run</c> is told.</summary>
internal sealed record RunSettings
{
    /// <summary>How to reach the API server; absent for what kubectl would use, or the pod's service account.</summary>
    public string? Kubeconfig { get; init; }

    /// <summary>The namespace of the operator, its lease, its secret and the agents; absent for the configuration's.</summary>
    public string? Namespace { get; init; }

    /// <summary>The lease that replicas compete for.</summary>
    public string LeaseName { get; init; } = "oncache-operator";

    /// <summary>This replica's name; unlike any other's.</summary>
    public string Identity { get; init; } = $"{Environment.MachineName}-{Guid.NewGuid():N}";

    /// <summary>Where health and metrics are served, without encryption.</summary>
    public IPEndPoint Http { get; init; } = new(IPAddress.Any, 8080);

    /// <summary>Where admission is served.</summary>
    public IPEndPoint Webhook { get; init; } = new(IPAddress.Any, 9443);

    /// <summary>Whether admission is served at all.</summary>
    public bool HasWebhook { get; init; } = true;

    /// <summary>The least severe message to log.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;
}
