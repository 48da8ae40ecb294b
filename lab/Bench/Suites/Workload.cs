namespace OnCache.Lab.Bench.Suites;

/// <summary>What is done, and under which circumstances.</summary>
/// <param name="Name">Without circumstances: what <c>--only</c> takes.</param>
public sealed record Workload(string Name, WorkloadKind Kind, Setting Setting)
{
    /// <summary>Parallel flows or connections.</summary>
    public int Flows { get; init; } = 1;

    /// <summary>Payload of one operation, where the kind has a choice.</summary>
    public int Bytes { get; init; }

    /// <summary>Unique in a suite, e.g. tcp-stream-2/mtu9000.</summary>
    public string Id => Name + Setting.Suffix;
}
