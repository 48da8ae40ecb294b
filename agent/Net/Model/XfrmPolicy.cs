namespace OnCache.Agent.Net;

/// <summary>An IPsec policy for IPv4 (or any) traffic.</summary>
internal sealed record XfrmPolicy
{
    public Ipv4Prefix Source { get; init; }

    public Ipv4Prefix Destination { get; init; }

    /// <summary>The IP protocol; 0 is any.</summary>
    public byte Protocol { get; init; }

    public ushort SourcePort { get; init; }

    public ushort SourcePortMask { get; init; }

    public ushort DestinationPort { get; init; }

    public ushort DestinationPortMask { get; init; }

    /// <summary>The device it is limited to; 0 is any.</summary>
    public int IfIndex { get; init; }

    public XfrmDirection Direction { get; init; }

    public XfrmAction Action { get; init; }

    /// <summary>Lower is looked at first.</summary>
    public uint Priority { get; init; }

    /// <summary>The kernel's number of the policy.</summary>
    public uint Index { get; init; }

    /// <summary>How many transformations (ESP, AH, ...) it asks for.</summary>
    public int TemplateCount { get; init; }

    /// <summary>It applies to packets of some marks only.</summary>
    public bool HasMark { get; init; }

    /// <summary>The xfrm interface it belongs to; 0 is none.</summary>
    public uint InterfaceId { get; init; }
}

/// <summary>XFRM_POLICY_IN, OUT, FWD.</summary>
internal enum XfrmDirection : byte
{
    In = 0,
    Out = 1,
    Forward = 2,
}

/// <summary>XFRM_POLICY_ALLOW, BLOCK.</summary>
internal enum XfrmAction : byte
{
    Allow = 0,
    Block = 1,
}
