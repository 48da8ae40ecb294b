using System.Globalization;

namespace OnCache.Agent.Daemon;

/// <summary>The conntrack settings of this network namespace that the datapath depends on.</summary>
/// <param name="root">Their folder, such as /proc/sys/net/netfilter.</param>
internal sealed class ConntrackSysctl(string root)
{
    private const string Liberal = "nf_conntrack_tcp_be_liberal";
    private const string Loose = "nf_conntrack_tcp_loose";

    /// <summary>Whether TCP segments outside the window that conntrack saw are accepted: 0 or 1, null where unreadable.</summary>
    public uint? TcpBeLiberal => Read(Liberal);

    /// <summary>Whether conntrack picks up connections that it has not seen begin.</summary>
    public bool PicksUpTcp => Read(Loose) is > 0;

    /// <summary>How many connections there are, and how many there may be; null where it cannot be told.</summary>
    public (long Entries, long Maximum)? Use => Read("nf_conntrack_count") is { } entries && Read("nf_conntrack_max") is { } maximum ? (entries, maximum) : null;

    /// <summary>Null on success, else why it could not be set.</summary>
    public string? TrySetTcpBeLiberal(uint value)
    {
        try
        {
            File.WriteAllText(Path.Combine(root, Liberal), value.ToString(CultureInfo.InvariantCulture));
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return $"net.netfilter.{Liberal} cannot be set to {value}: {failure.Message}";
        }
    }

    /// <summary>The timeouts in force, with the kernel's defaults where one cannot be read.</summary>
    public ConntrackTimeouts Timeouts() => new(
        Seconds("nf_conntrack_tcp_timeout_established", 432_000),
        Seconds("nf_conntrack_tcp_timeout_fin_wait", 120),
        Seconds("nf_conntrack_tcp_timeout_close", 10),
        Seconds("nf_conntrack_udp_timeout", 30),
        Seconds("nf_conntrack_udp_timeout_stream", 120),
        Seconds("nf_conntrack_icmp_timeout", 30))
    {
        TcpTimeWait = Seconds("nf_conntrack_tcp_timeout_time_wait", 120),
    };

    private TimeSpan Seconds(string name, uint fallback) => TimeSpan.FromSeconds(Read(name) ?? fallback);

    private uint? Read(string name)
    {
        try
        {
            // Some are plain integers to the kernel, and -1 to whoever wants no limit.
            return uint.TryParse(File.ReadAllText(Path.Combine(root, name)).AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

/// <summary>How long conntrack keeps an idle flow.</summary>
internal sealed record ConntrackTimeouts(
    TimeSpan TcpEstablished, TimeSpan TcpFinWait, TimeSpan TcpClose, TimeSpan Udp, TimeSpan UdpStream, TimeSpan Icmp)
{
    /// <summary>How long one that has ended.</summary>
    public TimeSpan TcpTimeWait { get; init; } = TimeSpan.FromSeconds(120);

    private static readonly TimeSpan s_longestTouch = TimeSpan.FromSeconds(5);

    /// <summary>How often a cached flow refreshes its entry: well before the shortest timeout would take it.</summary>
    public TimeSpan TouchInterval =>
        new[] { s_longestTouch, TcpEstablished / 3, TcpFinWait / 3, Udp / 3, UdpStream / 3, Icmp / 3 }.Min();
}
