using OnCache.Lab.Bench.Kernel;

namespace OnCache.Lab.Bench.Scale;

/// <summary>Runs the attached programs over packets of random flows of a set and has the kernel count their time.</summary>
/// <remarks>
/// By BPF_PROG_TEST_RUN, as real traffic over a million flows would measure a million sockets; with one run a packet, as repeating a packet would
/// find its entry in the CPU's cache each time; and by the kernel's run-time statistics, as the call's own time is not wanted.
/// </remarks>
internal sealed class DatapathProbe(FrozenNode node, byte[] nicMac, int runs)
{
    public const string Egress = "oncache_pod_egress";
    public const string Ingress = "oncache_node_ingress";
    public const string Learning = "oncache_pod_ingress_learn";
    private const int Redirect = 7;

    /// <summary>Nanoseconds a run from pod to wire, and the share of hits.</summary>
    /// <param name="flows">The flows.</param>
    /// <param name="inUse">How many of them have packets; each run takes a random one.</param>
    /// <param name="random">Which.</param>
    public (double Nanoseconds, double Hits) RunEgress(FlowSet flows, int inUse, Random random)
    {
        var gateway = node.Endpoint.AsSpan(DatapathLayout.EndpointGatewayMac, 6).ToArray();
        return Measure(Egress, 0, inUse, random, index => FlowPackets.FromPod(gateway, flows[index]));
    }

    /// <summary>The same from wire to pod.</summary>
    public (double Nanoseconds, double Hits) RunIngress(FlowSet flows, int inUse, Random random)
    {
        var tunnel = FlowPackets.ParseMac(node.Node.TunnelMac);
        return Measure(
            Ingress, 0, inUse, random, index => FlowPackets.FromWire(nicMac, tunnel, flows.RemoteNodeOf(index), node.Node.Address, flows[index]));
    }

    /// <summary>Nanoseconds of learning, of flows that conntrack does not know.</summary>
    public double RunLearning(FlowSet flows, Random random)
    {
        var pod = node.Endpoint.AsSpan(DatapathLayout.EndpointPodMac, 6).ToArray();
        return Measure(Learning, node.Mark, flows.Count, random, index => FlowPackets.ToPod(pod, flows[index])).Nanoseconds;
    }

    private (double Nanoseconds, double Hits) Measure(
        string program, uint mark, int inUse, Random random, Func<int, byte[]> packet)
    {
        var link = node.Link(program);
        using var handle = link.OpenProgram();
        var test = new TestRun(handle, link.Device, mark);
        using var counting = ProgramClock.Start();
        var before = ProgramClock.Of(handle);
        var hits = 0;
        for (var run = 0; run < runs; run++)
        {
            if (test.Run(packet(random.Next(inUse))) == Redirect)
            {
                hits++;
            }
        }

        var spent = ProgramClock.Of(handle) - before;
        return ((double)spent.Nanoseconds / spent.Runs, (double)hits / runs);
    }
}
