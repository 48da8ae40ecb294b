namespace OnCache.Kubernetes.Models;

/// <summary>An object whose deletion takes this one along.</summary>
public sealed record V1OwnerReference
{
    /// <summary>The owner's <c>group/version</c>.</summary>
    public required string ApiVersion { get; init; }

    /// <summary>The owner's kind.</summary>
    public required string Kind { get; init; }

    /// <summary>The owner's name.</summary>
    public required string Name { get; init; }

    /// <summary>The owner's UID; a reference to another UID is a dangling one.</summary>
    public required string Uid { get; init; }

    /// <summary>Whether the owner is the one controller of the object.</summary>
    public bool? Controller { get; init; }

    /// <summary>Whether the owner waits for this object when deleted in the foreground.</summary>
    public bool? BlockOwnerDeletion { get; init; }
}
