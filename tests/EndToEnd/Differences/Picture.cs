using System.Globalization;

namespace OnCache.EndToEnd.Differences;

/// <summary>What can be seen of the traffic in a lab within a moment; equal in two labs where nothing tells them apart.</summary>
/// <param name="Lines">What became of each probe, and the form of each kind of frame that arrived.</param>
/// <param name="Rate">Bytes a second; null where it was not measured.</param>
internal sealed record Picture(IReadOnlyList<string> Lines, double? Rate)
{
    // Without a shaper a stream is hundreds of times as fast. With one it keeps its rate, but a busy machine reads late what has arrived.
    private const double RateTolerance = 0.5;

    private string RateText => Rate is { } rate ? string.Create(CultureInfo.InvariantCulture, $"{rate / 1e6:F0} MB/s") : "";

    public bool Shows(IEnumerable<string> parts) => parts.All(part => Lines.Append(RateText).Any(line => line.Contains(part, StringComparison.Ordinal)));

    public bool IsLike(Picture other) =>
        Lines.SequenceEqual(other.Lines, StringComparer.Ordinal)
        && (Rate is null || Math.Abs(Rate.Value - other.Rate!.Value) <= RateTolerance * Math.Max(Rate.Value, other.Rate.Value));

    public override string ToString()
    {
        var rate = Rate is { } bytes ? string.Create(CultureInfo.InvariantCulture, $"\n  {bytes / 1e6:F2} MB/s") : "";
        return string.Concat(Lines.Select(line => $"\n  {line}")) + rate;
    }
}
