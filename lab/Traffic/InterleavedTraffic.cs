using OnCache.Lab.Bench;
using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Traffic;

/// <summary>One side of a comparison: from where the traffic goes out, and what it is.</summary>
internal sealed record TrafficSide(string NetworkNamespace, TrafficRequest Request);

/// <summary>The same traffic on one path or several, in short slices by turns.</summary>
/// <remarks>
/// A machine's speed drifts by tens of percent within seconds, whoever causes it; slices of some milliseconds that follow each other share it.
/// All connections stay open throughout, so that taking turns costs nothing.
/// </remarks>
internal static class InterleavedTraffic
{
    /// <param name="sides">Those that take turns. Their order is reversed from turn to turn, so that a steady drift hurts none.</param>
    /// <param name="slices">Of each side.</param>
    /// <param name="seconds">Of a slice.</param>
    /// <param name="warmUpSeconds">Not counted, first and on each side.</param>
    /// <param name="edge">Called before the first slice and after the last: for counters that are to have these packets and no others.</param>
    /// <returns>By side, in the order of the turns.</returns>
    /// <exception cref="LabException">A path broke.</exception>
    public static IReadOnlyList<IReadOnlyList<ClientSlice>> Run(IReadOnlyList<TrafficSide> sides, int slices, double seconds, double warmUpSeconds, Action? edge = null) =>
        DedicatedThread.Run("interleaved traffic", () =>
        {
            var sessions = new List<ClientSession>();
            try
            {
                foreach (var side in sides)
                {
                    sessions.Add(Open(side));
                    _ = Slice(side, sessions[^1], warmUpSeconds);
                }

                var taken = sides.Select(_ => new List<ClientSlice>(slices)).ToArray();
                edge?.Invoke();
                foreach (var turn in Schedule.Interleave([0], [.. Enumerable.Range(0, sides.Count)], slices))
                {
                    taken[turn.Variant].Add(Slice(sides[turn.Variant], sessions[turn.Variant], seconds));
                }

                edge?.Invoke();
                sessions.ForEach(session => session.End());
                return taken;
            }
            finally
            {
                sessions.ForEach(session => session.Dispose());
            }
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
