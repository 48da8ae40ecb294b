using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Traffic;

/// <summary>One side of a comparison: from where the traffic goes out, and what it is.</summary>
internal sealed record TrafficSide(string NetworkNamespace, TrafficRequest Request);

/// <summary>The same traffic on two paths, in short slices by turns.</summary>
/// <remarks>
/// A machine's speed drifts by tens of percent within seconds, whoever causes it; slices of some milliseconds that follow each other share it.
/// Both connections stay open throughout, so that taking turns costs nothing.
/// </remarks>
internal static class PairedTraffic
{
    /// <param name="pairs">How many slices each side gets. Their order is reversed from pair to pair, so that a steady drift hurts neither.</param>
    /// <param name="seconds">Of a slice.</param>
    /// <param name="warmUpSeconds">Not counted, first and on each side.</param>
    /// <returns>By pair: the first side's slice and the second's.</returns>
    /// <exception cref="LabException">A path broke.</exception>
    public static IReadOnlyList<(ClientSlice First, ClientSlice Second)> Run(TrafficSide first, TrafficSide second, int pairs, double seconds, double warmUpSeconds) =>
        DedicatedThread.Run("paired traffic", () =>
        {
            using var one = Open(first);
            using var other = Open(second);
            _ = Slice(first, one, warmUpSeconds);
            _ = Slice(second, other, warmUpSeconds);
            var slices = new List<(ClientSlice, ClientSlice)>(pairs);
            for (var pair = 0; pair < pairs; pair++)
            {
                if (pair % 2 == 0)
                {
                    var slice = Slice(first, one, seconds);
                    slices.Add((slice, Slice(second, other, seconds)));
                }
                else
                {
                    var slice = Slice(second, other, seconds);
                    slices.Add((Slice(first, one, seconds), slice));
                }
            }

            one.End();
            other.End();
            return slices;
        });

    private static ClientSession Open(TrafficSide side)
    {
        NetworkNamespace.EnterOnThisThread(side.NetworkNamespace);
        var session = ClientSession.Open(side.Request);
        try
        {
            session.Begin();
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    private static ClientSlice Slice(TrafficSide side, ClientSession session, double seconds)
    {
        // Where every exchange has a socket of its own, it is made in the thread's namespace.
        NetworkNamespace.EnterOnThisThread(side.NetworkNamespace);
        return session.Slice(seconds);
    }
}
