namespace OnCache.Kubernetes.Models;

/// <summary>The groups of an API server.</summary>
internal sealed record V1APIGroupList
{
    public IReadOnlyList<V1APIGroup> Groups { get; init; } = [];
}

/// <summary>A group and the version that the server prefers.</summary>
internal sealed record V1APIGroup
{
    public string Name { get; init; } = "";

    public V1GroupVersion? PreferredVersion { get; init; }
}

/// <summary>A version of a group.</summary>
internal sealed record V1GroupVersion(string Version);

/// <summary>The kinds of one version of a group.</summary>
internal sealed record V1APIResourceList
{
    public IReadOnlyList<V1APIResource> Resources { get; init; } = [];
}

/// <summary>A kind, or a subresource, whose name has a slash.</summary>
internal sealed record V1APIResource
{
    public string Name { get; init; } = "";

    public string Kind { get; init; } = "";

    public bool Namespaced { get; init; }

    public IReadOnlyList<string> Verbs { get; init; } = [];
}
