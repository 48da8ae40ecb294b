using System.Diagnostics;

namespace OnCache.Lab.Bench.Coherence;

/// <summary>How a flow left the fast path after an event.</summary>
/// <param name="SinceReturn">From the event's write returning to the last packet of the pod under the old verdict; zero where there was none.</param>
/// <param name="SinceSend">The same from the moment the write was begun.</param>
/// <param name="StaleBefore">Packets of the pod under the old verdict after the write had returned.</param>
/// <param name="StaleAfter">Packets under the old verdict after one had been handed to the CNI: of the pod, and answers to it. None may be.</param>
internal sealed record PathChange(TimeSpan SinceReturn, TimeSpan SinceSend, int StaleBefore, int StaleAfter)
{
    /// <summary>Judges what was seen. Pure.</summary>
    /// <param name="packets">In the order sent, from <paramref name="begun"/> until learning may have begun again.</param>
    /// <returns>Null when no packet was handed to the CNI.</returns>
    public static PathChange? Of(IReadOnlyList<ObservedFlow.Packet> packets, long begun, long returned)
    {
        ArgumentNullException.ThrowIfNull(packets);
        var effect = FirstSlow(packets, static packet => packet.LeftSlowly);
        if (effect < 0)
        {
            return null;
        }

        // Answers are judged in the order in which they came in.
        var answers = packets.Where(static packet => packet.Answered != 0).OrderBy(static packet => packet.Answered).ToList();
        var ingress = FirstSlow(answers, static packet => packet.CameSlowly);
        var stale = packets.Where(static packet => !packet.LeftSlowly).ToList();
        var last = stale.Count == 0 ? begun : stale[^1].Sent;
        return new PathChange(
            Stopwatch.GetElapsedTime(returned, Math.Max(last, returned)),
            Stopwatch.GetElapsedTime(begun, last),
            stale.Count(packet => packet.Sent > returned),
            packets.Skip(effect).Count(static packet => !packet.LeftSlowly)
                + (ingress < 0 ? 0 : answers.Skip(ingress).Count(static packet => !packet.CameSlowly)));
    }

    private static int FirstSlow(IReadOnlyList<ObservedFlow.Packet> packets, Func<ObservedFlow.Packet, bool> slow)
    {
        for (var i = 0; i < packets.Count; i++)
        {
            if (slow(packets[i]))
            {
                return i;
            }
        }

        return -1;
    }
}
