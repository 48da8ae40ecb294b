namespace OnCache.Kubernetes.Client;

/// <summary>One answer to a list request.</summary>
internal sealed record ListPage<T>
{
    public ListPageMeta Metadata { get; init; } = new();

    public IReadOnlyList<T> Items { get; init; } = [];
}

/// <summary>The head of a list.</summary>
internal sealed record ListPageMeta
{
    public string ResourceVersion { get; init; } = string.Empty;

    public string? Continue { get; init; }
}
