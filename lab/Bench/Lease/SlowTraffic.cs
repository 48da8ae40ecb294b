using System.Diagnostics;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Traffic;

namespace OnCache.Lab.Bench.Lease;

/// <summary>One exchange in each second on every flow of several paths, which take turns. Where in the second differs: a flow in step with its lease would tell nothing.</summary>
internal static class SlowTraffic
{
    private const int Places = 20;
    private const int AskersOfPlace = SlowFlows.Askers / Places;

    /// <param name="paths">Those that take turns, in an order that is reversed from place to place.</param>
    /// <param name="core">On which everything runs.</param>
    /// <param name="ramp">Seconds, not counted, over which the flows begin: afterwards their leases do not all end at once.</param>
    /// <param name="seconds">Counted ones.</param>
    /// <param name="edge">Called before the counted seconds and after them.</param>
    /// <returns>By path, for each second, the time of one exchange in microseconds.</returns>
    /// <exception cref="LabException">A datagram was lost, or a second was too short for an exchange on each flow.</exception>
    public static IReadOnlyList<double[]> Run(IReadOnlyList<SlowFlows> paths, int core, int ramp, int seconds, Action edge) => DedicatedThread.Run("slow flows", () =>
    {
        CoreUse.Pin(core);
        var random = new Random(0);
        var begin = Stopwatch.GetTimestamp();
        for (var second = 0; second < ramp; second++)
        {
            _ = Second(second, asker => asker * ramp < (second + 1) * SlowFlows.Askers);
        }

        edge();
        begin = Stopwatch.GetTimestamp();
        var taken = Enumerable.Range(0, seconds).Select(second => Second(second, static _ => true)).ToArray();
        edge();
        return (IReadOnlyList<double[]>)[.. paths.Select((_, path) => taken.Select(second => second[path]).ToArray())];

        double[] Second(int second, Func<int, bool> hasBegun)
        {
            var times = new double[paths.Count];
            var order = Enumerable.Range(0, SlowFlows.Askers).ToArray();
            random.Shuffle(order);
            foreach (var (place, _, path) in Schedule.Interleave([0], [.. Enumerable.Range(0, paths.Count)], Places))
            {
                Await(begin + (((second * Places) + place - 1) * Stopwatch.Frequency / Places));
                foreach (var asker in order.AsSpan((place - 1) * AskersOfPlace, AskersOfPlace))
                {
                    if (hasBegun(asker))
                    {
                        times[path] += paths[path].Exchange(asker).TotalMicroseconds / paths[path].Count;
                    }
                }
            }

            return times;
        }
    });

    private static void Await(long moment)
    {
        var wait = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), moment);
        if (wait > TimeSpan.Zero)
        {
            Thread.Sleep(wait);
        }
        else if (wait < -TimeSpan.FromSeconds(1))
        {
            throw new LabException("slow flows: the machine is too slow for one exchange a second on each; measure fewer");
        }
    }
}
