namespace OnCache.Agent.Bpf;

/// <summary>How a reason counts towards the hit ratio.</summary>
internal enum ReasonKind
{
    /// <summary>The packet could have been a hit: it lowers the hit ratio.</summary>
    Miss,

    /// <summary>The packet is none of the cache's business, by its kind or by configuration.</summary>
    Ineligible,

    /// <summary>A miss with a known verdict that mode Observe did not use.</summary>
    Observed,

    /// <summary>The outcome of a learning attempt; the packet itself was counted before.</summary>
    Learning,
}

/// <summary>The words for each reason, in metrics, status and documents.</summary>
internal static class ReasonText
{
    /// <summary>How many reasons there are: the size of the <c>reasons</c> map.</summary>
    public static int Count => Enum.GetValues<Reason>().Length;

    /// <summary>The metric label: the enumerator in snake case, as in <c>bpf/reasons.h</c> without its prefix.</summary>
    public static string Label(Reason reason) =>
        string.Concat(reason.ToString().Select((c, i) => char.IsUpper(c) && i > 0 ? $"_{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}"));

    public static ReasonKind Kind(Reason reason) => reason switch
    {
        Reason.Observed => ReasonKind.Observed,
        Reason.NotIpv4 or Reason.IpOptions or Reason.Fragment or Reason.Protocol or Reason.Ttl or Reason.Length or Reason.GatewayMac
            or Reason.TunnelHeader or Reason.NotEndpoint or Reason.SourceAddress or Reason.Disabled or Reason.Excluded
            or Reason.HostRule or Reason.Rewritten or Reason.TcpFlags => ReasonKind.Ineligible,
        >= Reason.LearnHeld => ReasonKind.Learning,
        _ => ReasonKind.Miss,
    };

    public static string Describe(Reason reason) => reason switch
    {
        Reason.NotIpv4 => "not IPv4, or with a VLAN tag",
        Reason.IpOptions => "IP options",
        Reason.Fragment => "IP fragment",
        Reason.Protocol => "not TCP, UDP or ICMP echo",
        Reason.Ttl => "TTL below 2",
        Reason.Length => "truncated, padded or oversized packet",
        Reason.TcpSyn => "TCP SYN: a connection begins on the CNI's path",
        Reason.Mtu => "larger than the path's MTU",
        Reason.Congestion => "congestion experienced (ECN CE)",
        Reason.GatewayMac => "frame not addressed to the pod's gateway",
        Reason.TunnelHeader => "tunnel header not as configured",
        Reason.OuterSource => "outer source is not the flow's node",
        Reason.AgentSilent => "agent heartbeat missing",
        Reason.NotEndpoint => "no endpoint of this node",
        Reason.SourceAddress => "source address is not the pod's own",
        Reason.Disabled => "endpoint or protocol not selected",
        Reason.Observed => "would be accelerated (mode Observe)",
        Reason.Shaped => "a qdisc or foreign filter must see the packet",
        Reason.NoEntry => "flow not cached",
        Reason.OneWay => "seen in one direction only",
        Reason.Stale => "flushed",
        Reason.Lease => "lease over",
        Reason.ConntrackGone => "conntrack entry gone or closing",
        Reason.NodeWithdrawn => "remote node has no usable path",
        Reason.RewriteFailed => "packet could not be resized",
        Reason.LearnHeld => "learning held while a change settles",
        Reason.LearnNoConntrack => "no conntrack entry",
        Reason.LearnNotEstablished => "not established in both directions",
        Reason.LearnNat => "address translation",
        Reason.LearnExcluded => "excluded by policy",
        Reason.LearnLocalPeer => "both pods on this node",
        Reason.LearnNotTunnel => "left the node outside the tunnel",
        Reason.LearnUnknownNode => "unknown remote node",
        Reason.LearnTemplate => "the CNI's headers differ from the template",
        Reason.LearnFailed => "filter cache update refused",
        Reason.Learned => "learned",
        Reason.LearnHelper => "a conntrack helper reads the payload",
        Reason.LearnNodePeer => "the peer is a node, not a pod",
        Reason.Excluded => "excluded by policy, as an earlier packet was",
        Reason.LearnNotCompared => "lost sight of on the CNI's path",
        Reason.LearnRewrittenTos => "DSCP or ECN rewritten on the CNI's path",
        Reason.LearnRewrittenTtl => "TTL rewritten on the CNI's path",
        Reason.LearnRewrittenIp => "IPv4 header rewritten on the CNI's path",
        Reason.LearnRewrittenTransport => "TCP, UDP or ICMP header rewritten on the CNI's path",
        Reason.LearnRewrittenOptions => "TCP options (MSS) rewritten on the CNI's path",
        Reason.LearnRewrittenPayload => "payload rewritten on the CNI's path",
        Reason.LearnHostRule => "a rule of the host must see every packet",
        Reason.HostRule => "a rule of the host must see it, as an earlier packet",
        Reason.Rewritten => "rewritten on the CNI's path, as an earlier packet was",
        Reason.TcpFlags => "TCP flags of no ordinary segment",
        Reason.LearnShare => "the pod holds its share of the filter cache",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "unknown reason"),
    };
}
