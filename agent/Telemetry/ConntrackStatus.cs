using System.Globalization;

namespace OnCache.Agent.Telemetry;

/// <summary>How full the connection tracking of the node is.</summary>
/// <param name="Entries">Connections that it holds.</param>
/// <param name="Maximum">The most it may hold: <c>net.netfilter.nf_conntrack_max</c>.</param>
/// <param name="Pressure">What that means for new ones.</param>
internal sealed record ConntrackStatus(long Entries, long Maximum, ConntrackPressure Pressure)
{
    // It is left at less than it is entered at: connections come and go, the status should not.
    private const double FullAt = 0.99, NoMoreFullAt = 0.95, NearlyFullAt = 0.9, RoomAgainAt = 0.8;

    /// <summary>What a look at the kernel's numbers says.</summary>
    /// <param name="before">What the look before said; null at first.</param>
    public static ConntrackStatus Of(long entries, long maximum, ConntrackPressure? before)
    {
        var share = maximum == 0 ? 0 : (double)entries / maximum;
        var pressure = share >= (before == ConntrackPressure.Full ? NoMoreFullAt : FullAt) ? ConntrackPressure.Full
            : share >= (before is null or ConntrackPressure.None ? NearlyFullAt : RoomAgainAt) ? ConntrackPressure.NearlyFull
            : ConntrackPressure.None;
        return new ConntrackStatus(entries, maximum, pressure);
    }

    /// <summary>For a person: whose fault it is, and what helps. Without the number of connections, which never rests.</summary>
    public string Message => Pressure switch
    {
        ConntrackPressure.None => "the node's connection tracking has room for new connections",
        ConntrackPressure.NearlyFull => $"the node's connection tracking is nearly full ({Limit}); when it is, the kernel drops new connections, with OnCache or without: {Help}",
        _ => $"the node's connection tracking is full, or just about to be ({Limit}): the kernel drops new connections, with OnCache or without, and what it does not track is not accelerated; {Help}",
    };

    private string Limit => string.Create(CultureInfo.InvariantCulture, $"net.netfilter.nf_conntrack_max is {Maximum}");

    private const string Help = "raise that setting, or find out who opens so many";
}

/// <summary>What the fill of connection tracking means for new connections.</summary>
internal enum ConntrackPressure
{
    /// <summary>There is room for them.</summary>
    None,

    /// <summary>There soon will be none.</summary>
    NearlyFull,

    /// <summary>The kernel drops them.</summary>
    Full,
}
