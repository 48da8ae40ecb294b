namespace OnCache.Agent.Tests.Datapath.Cases;

/// <summary>An entry of the kernel's conntrack, of a flow between the pod and its peer unless it says otherwise.</summary>
internal sealed record ConntrackEntry
{
    public CaseProtocol Protocol { get; init; } = CaseProtocol.Udp;

    /// <summary>Who began.</summary>
    public string From { get; init; } = "pod";

    public string To { get; init; } = "remote-pod";

    public ushort FromPort { get; init; } = 5000;

    public ushort ToPort { get; init; } = 6000;

    /// <summary>Was an answer seen?</summary>
    public bool SeenReply { get; init; } = true;

    /// <summary>Of TCP, as conntrack(8) names it.</summary>
    public string State { get; init; } = "ESTABLISHED";

    /// <summary>Seconds.</summary>
    public int Timeout { get; init; } = 60;

    /// <summary>Address and port that replaced the destination.</summary>
    public string? DestinationNat { get; init; }

    public ushort DestinationNatPort { get; init; }

    /// <summary>Address that replaced the source.</summary>
    public string? SourceNat { get; init; }

    /// <summary>Does a helper read the payload?</summary>
    public bool Helper { get; init; }
}
