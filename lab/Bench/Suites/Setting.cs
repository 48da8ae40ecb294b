namespace OnCache.Lab.Bench.Suites;

/// <summary>The circumstances of a measurement.</summary>
/// <param name="Mtu">Of the wire, bytes; pods have 50 less.</param>
/// <param name="Offloads">TSO, GSO and GRO on every device.</param>
public sealed record Setting(int Mtu, bool Offloads, Placement Placement)
{
    public static Setting Usual { get; } = new(1500, Offloads: true, Placement.SameCore);

    /// <summary>What differs from the usual, as the end of a name; empty for the usual.</summary>
    public string Suffix =>
        (Mtu == Usual.Mtu ? "" : FormattableString.Invariant($"/mtu{Mtu}"))
        + (Offloads ? "" : "/no-offloads")
        + (Placement == Placement.SameCore ? "" : "/cross-core");
}
