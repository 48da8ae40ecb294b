namespace OnCache.Agent.Cli;

/// <summary>Who uses which bit of the packet mark.</summary>
internal static class MarkBits
{
    /// <summary>
    /// The bit used unless told otherwise: 0x1000. Free of kube-proxy (0x4000, 0x8000), Calico (upper 16 bits), Cilium (0x0f00 and the upper bits),
    /// the portmap plugin (0x2000) and the AWS CNI (0x80).
    /// </summary>
    public const int Default = 12;

    /// <summary>Who is known to use the bit, or nobody.</summary>
    public static string? KnownUser(int bit) => bit switch
    {
        7 => "the AWS VPC CNI",
        >= 8 and <= 11 => "Cilium",
        13 => "the portmap CNI plugin",
        14 => "kube-proxy (packets to masquerade)",
        15 => "kube-proxy (packets to drop)",
        >= 16 and <= 31 => "Calico",
        _ => null,
    };
}
