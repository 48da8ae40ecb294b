using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Traffic;

/// <summary>Runs traffic against a <see cref="TrafficServer"/> and measures it.</summary>
public static class TrafficClient
{
    /// <summary>Runs inside a network namespace and waits for the result.</summary>
    public static TrafficResult Run(string networkNamespace, TrafficRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Validate();
        return NetworkNamespace.Run(networkNamespace, () => RunHere(request));
    }

    /// <summary>Runs in the caller's network namespace, on a thread of its own as that is pinned to the core.</summary>
    /// <exception cref="LabException">No server there, or the path broke.</exception>
    public static TrafficResult Run(TrafficRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Validate();
        return DedicatedThread.Run("traffic client", () => RunHere(request));
    }

    private static TrafficResult RunHere(TrafficRequest request)
    {
        using var session = ClientSession.Open(request);
        return session.Measure();
    }
}
