namespace OnCache.Lab.Topology;

/// <summary>Kernel settings of a network namespace, relative to <c>/proc/sys/net</c>.</summary>
internal static class Sysctls
{
    /// <summary>Quiet everywhere: router solicitations and duplicate address detection would show up in packet counts.</summary>
    private static readonly (string Key, string Value)[] Quiet =
    [
        ("ipv6/conf/all/disable_ipv6", "1"),
        ("ipv6/conf/default/disable_ipv6", "1"),
    ];

    /// <summary>As a Kubernetes node has them; bridged packets meet iptables, and reverse paths are checked loosely.</summary>
    private static readonly (string Key, string Value)[] NodeOnly =
    [
        ("ipv4/ip_forward", "1"),
        ("ipv4/conf/all/rp_filter", "2"),
        ("bridge/bridge-nf-call-iptables", "1"),
    ];

    /// <summary>The wire is no host: nothing filters or tracks there.</summary>
    private static readonly (string Key, string Value)[] WireOnly = [("bridge/bridge-nf-call-iptables", "0")];

    public static void ApplyNode() => Apply([.. Quiet, .. NodeOnly]);

    public static void ApplyPod() => Apply(Quiet);

    public static void ApplyWire() => Apply([.. Quiet, .. WireOnly]);

    /// <summary>Writes in the calling thread's namespace; a setting this kernel does not have is left out.</summary>
    private static void Apply((string Key, string Value)[] settings)
    {
        foreach (var (key, value) in settings)
        {
            var path = Path.Combine("/proc/sys/net", key);
            if (File.Exists(path))
            {
                File.WriteAllText(path, value);
            }
        }
    }
}
