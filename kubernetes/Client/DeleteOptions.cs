using System.Text.Json.Nodes;

namespace OnCache.Kubernetes.Client;

/// <summary>What happens to the objects a deleted one owns.</summary>
public enum PropagationPolicy
{
    /// <summary>They are deleted afterwards.</summary>
    Background,

    /// <summary>They are deleted first.</summary>
    Foreground,

    /// <summary>They stay.</summary>
    Orphan,
}

/// <summary>Conditions and ways of a deletion.</summary>
public sealed record DeleteOptions
{
    /// <summary>Delete only this very object, not a later one of the same name.</summary>
    public string? Uid { get; init; }

    /// <summary>Delete only if unchanged since this version.</summary>
    public string? ResourceVersion { get; init; }

    /// <summary>What happens to owned objects; <see langword="null"/> leaves it to the kind.</summary>
    public PropagationPolicy? Propagation { get; init; }

    /// <summary>Seconds granted for a graceful end; <see langword="null"/> leaves it to the object.</summary>
    public int? GracePeriodSeconds { get; init; }

    internal JsonObject ToNode()
    {
        var node = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "DeleteOptions" };
        if (Uid is not null || ResourceVersion is not null)
        {
            var preconditions = new JsonObject();
            if (Uid is not null)
            {
                preconditions["uid"] = Uid;
            }

            if (ResourceVersion is not null)
            {
                preconditions["resourceVersion"] = ResourceVersion;
            }

            node["preconditions"] = preconditions;
        }

        if (Propagation is { } propagation)
        {
            node["propagationPolicy"] = propagation.ToString();
        }

        if (GracePeriodSeconds is { } seconds)
        {
            node["gracePeriodSeconds"] = seconds;
        }

        return node;
    }
}
