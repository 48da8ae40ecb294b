using System.Globalization;
using System.Text;

using OnCache.Agent.Bpf;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Tests.Bpf;
using OnCache.Agent.Tests.Datapath.Cases;
using OnCache.Agent.Tests.Datapath.Packets;

namespace OnCache.Agent.Tests.Datapath;

/// <summary>Plays one case on the stage and compares.</summary>
internal sealed class CaseRun(Stage stage, string program, PacketCase item)
{
    private const ulong Second = 1_000_000_000;

    // The programs' clock ticks at least every 10 ms (CONFIG_HZ=100) and is read at its last tick.
    private const ulong Tick = 20_000_000;

    // What the pod's share is counted from: a count that fell below it would show.
    private const int HeldByPod = 10;

    private ulong started;
    private ulong ended;
    private ulong pairLease;

    private bool IsEgress => program.Contains("egress", StringComparison.Ordinal);

    private bool IsOnPod => program.StartsWith("pod", StringComparison.Ordinal);

    private bool IsFarEnd => program.EndsWith("learn", StringComparison.Ordinal);

    public void Check()
    {
        stage.Reset();
        stage.Conntrack.Clear();
        item.Before.Conntrack.ForEach(stage.Conntrack.Insert);
        var before = Prepare();
        var packet = PacketBuilder.Build(item.Packet);
        var device = Stage.IfIndex(item.Device ?? (IsOnPod ? "pod" : "nic"));
        var mark = Stage.ForeignMark | (item.Mark ? Stage.MissBit : 0);

        pairLease = before.Pair?.EgressLease ?? 0;
        started = MonotonicClock.Now();
        var context = new PacketContext(device, mark, GsoSize: item.GsoSize);
        var outcome = IsFarEnd
            ? stage.RunFarEnd(Stage.FullName(program), packet, CameAs(packet), context)
            : stage.Run(Stage.FullName(program), packet, context);
        ended = MonotonicClock.Now();

        // The counters first: the reason says most about a case that went another way.
        CheckReasons();
        ((Verdict)outcome.Verdict).ShouldBe(item.Expect.Verdict);
        CheckPacket(packet, outcome.Packet);
        outcome.Context.Mark.ShouldBe(Stage.ForeignMark | (item.Expect.Mark ? Stage.MissBit : 0), "the mark");
        outcome.Context.Priority.ShouldBe(item.Expect.Priority, "the priority");
        CheckEntry("filter entry", Key, before.Entry, item.Expect.Entry);
        CheckEntry("pair's entry", PairKey, before.Pair, item.Expect.Pair);
        stage.Maps.FilterCache.Keys().Where(key => key != Key && key != PairKey)
            .ShouldBeEmpty("the case's flow and its pair are all that may be cached");
        CheckCounters();
        CheckHeld((before.Entry is null ? 0 : 1) + (before.Pair is null ? 0 : 1));
        CheckConntrack();
        CheckTold();
        CheckNote("begun", stage.Maps.Begun, item.Before.Begun, item.Expect.Begun);
        CheckNote("over", stage.Maps.Over, item.Before.Over, item.Expect.Over);
    }

    private (FilterEntry? Entry, FilterEntry? Pair) Prepare()
    {
        var now = MonotonicClock.Now();
        ref var config = ref stage.Maps.Config[0];
        config.HeartbeatDeadline = At(now, item.Before.Config.Heartbeat);
        config.Lease = (ulong)item.Before.Config.Lease * Second;
        config.TouchInterval = (ulong)item.Before.Config.TouchInterval * Second;
        config.Protocols = Combine(item.Before.Config.Protocols);
        config.InheritTos = item.Before.Config.InheritTos ? (byte)1 : (byte)0;

        for (var cpu = 0u; item.Before.EndedQueuesAreFull && cpu < stage.Maps.EndedQueues.Length; cpu++)
        {
            stage.Maps.EndedQueues[cpu].Taken = stage.Maps.EndedQueues[cpu].Written - Layout.Ended;
        }

        stage.Maps.Held[Layout.IndexNone].Entries = item.Before.CacheIsFull ? stage.Maps.Sizes.UsableFilter - HeldByPod : HeldByPod;
        stage.Maps.Held[Stage.PodSlot].Entries = HeldByPod;
        PrepareNote(stage.Maps.Begun, item.Before.Begun, now);
        PrepareNote(stage.Maps.Over, item.Before.Over, now);
        PrepareEndpoint(now);
        PrepareNode();
        foreach (var cidr in item.Before.ExcludedPrefixes)
        {
            var (address, length) = cidr.Split('/') is [var left, var right]
                ? (left, right)
                : throw new FormatException($"{cidr} is not a CIDR");
            stage.Maps.ExcludedPrefixes.Set(
                new ExcludedPrefix(uint.Parse(length, CultureInfo.InvariantCulture), SlotIndex.ToNetwork(WellKnown.Ip(address))), 1);
        }

        foreach (var port in item.Before.ExcludedPorts)
        {
            stage.Maps.ExcludedPorts.Set(new ExcludedPort { Protocol = (byte)port.Protocol, Port = Network(port.Port) }, 1);
        }

        var regions = item.Before.HostRegions;
        stage.Maps.Config[0].HostRegions = (uint)regions.Count;
        for (var i = 0; i < regions.Count; i++)
        {
            stage.Maps.HostRegions[(uint)i] = new HostRegion
            {
                LocalMax = uint.MaxValue,
                RemoteMin = regions[i].Remote is { } first ? WellKnown.Ip(first).Value : 0,
                RemoteMax = regions[i].Remote is { } last ? WellKnown.Ip(last).Value : uint.MaxValue,
                LocalPortMin = regions[i].LocalPortMin,
                LocalPortMax = regions[i].LocalPortMax,
                RemotePortMin = regions[i].RemotePortMin,
                RemotePortMax = regions[i].RemotePortMax,
                Protocol = regions[i].Protocol is { } protocol ? (byte)protocol : (byte)0,
                Scope = regions[i].Scope,
            };
        }

        return (PrepareEntry(Key, item.Before.Entry, now), PrepareEntry(PairKey, item.Before.Pair, now));
    }

    /// <summary>As it was at the near end, one hop before; null where that is not known.</summary>
    private byte[]? CameAs(byte[] packet)
    {
        if (item.Before.Unwitnessed)
        {
            return null;
        }

        return item.Before.CameAs is { } layers ? PacketBuilder.Build(layers) : Stage.OneHopBefore(packet, IsOnPod);
    }

    private FilterEntry? PrepareEntry(FlowKey key, EntryBefore? before, ulong now)
    {
        if (before is not { } entry)
        {
            return null;
        }

        var written = new FilterEntry
        {
            EgressLease = entry.EgressLease == "never" ? 0 : At(now, Seconds(entry.EgressLease)),
            IngressLease = entry.IngressLease == "never" ? 0 : At(now, Seconds(entry.IngressLease)),
            Touched = At(now, -entry.Touched),
            Epoch = Stage.Epoch - (entry.Stale.Contains(EpochOf.Everything) ? 1u : 0),
            EndpointEpoch = Stage.EndpointEpoch - (entry.Stale.Contains(EpochOf.Endpoint) ? 1u : 0),
            NodeEpoch = entry.Node == "none" ? 0 : Stage.NodeEpoch - (entry.Stale.Contains(EpochOf.Node) ? 1u : 0),
            Endpoint = EndpointSlot(entry.Endpoint),
            Node = NodeSlot(entry.Node),
            Closing = entry.Closing,
            Flags = Combine(entry.Flags),
            Reason = entry.Flags.Contains(EntryFlags.Excluded) ? (byte)entry.Reason : (byte)0,
            Unanswered = entry.Unanswered,
        };
        stage.Maps.FilterCache.Set(key, written);
        return written;
    }

    private void PrepareEndpoint(ulong now)
    {
        var endpoint = item.Before.Endpoint;
        ref var entry = ref stage.Maps.IngressCache[Stage.PodSlot];
        entry.Mode = endpoint.Mode;
        entry.Protocols = Combine(endpoint.Protocols);
        entry.Flags = endpoint.Flags.Aggregate(EndpointFlags.None, static (all, flag) => all | flag);
        entry.LearnAfter = At(now, endpoint.Hold);
        entry.Mtu = endpoint.Mtu;
        entry.Ip = SlotIndex.ToNetwork(WellKnown.Ip(endpoint.Address));
        if (endpoint.Withdrawn)
        {
            entry.IfIndex = 0;
        }

        if (!endpoint.Indexed)
        {
            stage.Maps.EndpointIndex.Remove(entry.Ip);
        }
    }

    private void PrepareNode()
    {
        var node = item.Before.Node;
        stage.SetNode(Stage.RemoteNodeSlot, "remote-node", node.Mtu, node.Tos, node.Ttl);
        ref var entry = ref stage.Maps.EgressCache[Stage.RemoteNodeSlot];
        if (node.Withdrawn)
        {
            entry.IfIndex = 0;
        }

        if (!node.Indexed)
        {
            stage.Maps.NodeIndex.Remove(entry.NodeIp);
        }
    }

    private void CheckReasons()
    {
        var counted = Enum.GetValues<Reason>()
            .Select(reason => (Reason: reason, Count: stage.Maps.Reasons.Read((uint)reason)))
            .SelectMany(pair => new[]
            {
                (pair.Reason, Direction: "egress", Count: pair.Count.Aggregate(0UL, static (sum, cpu) => sum + cpu.Egress)),
                (pair.Reason, Direction: "ingress", Count: pair.Count.Aggregate(0UL, static (sum, cpu) => sum + cpu.Ingress)),
            })
            .Where(row => row.Count > 0)
            .Select(row => $"{row.Reason} {row.Direction} {row.Count}")
            .ToList();
        counted.ShouldBe(item.Expect.Reason is { } reason ? [$"{reason} {(IsEgress ? "egress" : "ingress")} 1"] : []);
    }

    private void CheckPacket(byte[] input, byte[] output)
    {
        if (item.Expect.Output is not { } layers)
        {
            output.ShouldBe(input, "the packet must stay as it came");
            return;
        }

        var expected = PacketBuilder.Build(layers, output);
        if (!output.AsSpan().SequenceEqual(expected))
        {
            var at = output.AsSpan().CommonPrefixLength(expected);
            throw new Xunit.Sdk.XunitException(
                $"the packet differs at {PacketBuilder.LayerAt(layers, at)}\nexpected {Dump(expected)}\nactual   {Dump(output)}");
        }

        if (PacketBuilder.WantsTunnelPort(layers))
        {
            var port = output[34] << 8 | output[35];
            port.ShouldBeInRange(WellKnown.SourcePortMin, WellKnown.SourcePortMin + WellKnown.SourcePortCount - 1, "the outer source port");
        }
    }

    private void CheckEntry(string what, FlowKey key, FilterEntry? before, EntryExpected? expectation)
    {
        var present = stage.Maps.FilterCache.TryGet(key, out var after);
        if (expectation is not { } expected)
        {
            (present ? after : (FilterEntry?)null).ShouldBe(before, $"the {what} must stay as it was");
            return;
        }

        if (expected.Absent)
        {
            present.ShouldBeFalse($"the {what} must be gone");
            return;
        }

        present.ShouldBeTrue($"there must be a {what}");
        var wanted = before is null || expected.Fresh ? FreshEntry() : before.Value;
        wanted.Closing = expected.Closing ?? wanted.Closing;
        wanted.Flags = expected.Flags is { } flags ? Combine(flags) : wanted.Flags;
        wanted.Reason = wanted.Flags.HasFlag(EntryFlags.Excluded) ? (byte)expected.Reason : (byte)0;
        wanted.Unanswered = expected.Unanswered ?? wanted.Unanswered;
        if (expected.Bare)
        {
            wanted.Epoch = 0;
        }

        if (expected.Endpoint is { } endpoint)
        {
            wanted.Endpoint = EndpointSlot(endpoint);
        }

        if (expected.Node is { } node)
        {
            wanted.Node = NodeSlot(node);
            wanted.NodeEpoch = node == "none" ? 0 : Stage.NodeEpoch;
        }

        wanted.EgressLease = Lease("egress", expected.EgressLease, wanted.EgressLease, after.EgressLease);
        wanted.IngressLease = Lease("ingress", expected.IngressLease, wanted.IngressLease, after.IngressLease);
        wanted.Touched = expected.Touched switch
        {
            "kept" => wanted.Touched,
            "never" => 0,
            "due" => Between("when conntrack is to be touched", after.Touched + ((ulong)item.Before.Config.TouchInterval * Second), 0) - ((ulong)item.Before.Config.TouchInterval * Second),
            _ => Between("when conntrack was touched", after.Touched, 0),
        };
        after.ShouldBe(wanted, what);

        ulong Lease(string direction, string text, ulong kept, ulong actual) => text switch
        {
            "kept" => kept,
            "never" => 0,
            "pair" => pairLease,
            _ => Between($"the {direction} lease", actual, (ulong)Seconds(text) * Second),
        };

        ulong Between(string name, ulong actual, ulong life)
        {
            actual.ShouldBeInRange(started - Tick + life, ended + life, name);
            return actual;
        }
    }

    private static FilterEntry FreshEntry() => new()
    {
        Epoch = Stage.Epoch,
        EndpointEpoch = Stage.EndpointEpoch,
        Endpoint = (ushort)Stage.PodSlot,
    };

    private void CheckCounters()
    {
        var expected = item.Expect.Counters;
        stage.Maps.EndpointCounters.Read(Stage.PodSlot)
            .Aggregate(default(EndpointCounters), static (sum, cpu) => sum + cpu)
            .ShouldBe(new EndpointCounters(expected.EgressPackets, expected.EgressBytes, expected.IngressPackets, expected.IngressBytes));
    }

    /// <summary>An entry that came or went has been counted; refusals where there was no room.</summary>
    private void CheckHeld(int before)
    {
        var came = stage.Maps.FilterCache.Keys().Count - before;
        var (all, own) = (stage.Maps.Held[Layout.IndexNone].Entries, stage.Maps.Held[Stage.PodSlot]);
        all.ShouldBe((item.Before.CacheIsFull ? stage.Maps.Sizes.UsableFilter - HeldByPod : HeldByPod) + came, "entries of all");
        (own.Entries - HeldByPod).ShouldBeOneOf(item.Before.Entry?.Endpoint is null or "pod" ? [came] : [came, 0]);
        (own.Refused > 0).ShouldBe(item.Before.CacheIsFull && item.Expect.Reason is Reason.LearnShare or Reason.TcpSyn, "refusals");
    }

    private void CheckTold()
    {
        var (queues, records) = (stage.Maps.EndedQueues, stage.Maps.Ended);
        if (item.Before.EndedQueuesAreFull)
        {
            Enumerable.Range(0, queues.Length).Select(cpu => queues[(uint)cpu].Written - queues[(uint)cpu].Taken).ShouldAllBe(static waiting => waiting == Layout.Ended);
            return;
        }

        var told = new EndedConnectionQueues(queues, records).Take(ulong.MaxValue);
        if (item.Expect.Told is not { } closing)
        {
            told.ShouldBeEmpty("the agent is told nothing");
            return;
        }

        var one = told.ShouldHaveSingleItem();
        (one.Key, one.Closing).ShouldBe((Key, closing));
        one.At.ShouldBeInRange(started - Tick, ended);
    }

    private void PrepareNote(BpfMap<uint, ulong> notes, int? secondsAgo, ulong now) => notes.Set(
        NotePlace, secondsAgo is { } ago ? At(now, -ago) >> Layout.NoteShift << 32 | EndedConnectionsTeller.HashOf(Key) : 0);

    private void CheckNote(string name, BpfMap<uint, ulong> notes, int? before, NoteExpected expected)
    {
        _ = notes.TryGet(NotePlace, out var note);
        if (expected == NoteExpected.Gone || (expected == NoteExpected.Kept && before is null))
        {
            note.ShouldBe(0ul, name);
            return;
        }

        ((uint)note).ShouldBe(EndedConnectionsTeller.HashOf(Key), name);
        var ago = expected == NoteExpected.Now ? 0 : before.GetValueOrDefault();
        (note >> 32).ShouldBeInRange(At(started - Tick, -ago) >> Layout.NoteShift, At(ended, -ago) >> Layout.NoteShift, name);
    }

    private uint NotePlace => EndedConnectionsTeller.HashOf(Key) & (Layout.Notes - 1);

    private void CheckConntrack()
    {
        if (item.Expect.ConntrackGone)
        {
            stage.Conntrack.TimeoutOf(item.Before.Conntrack[0]).ShouldBeNull("conntrack must have forgotten the flow");
        }

        if (item.Expect.ConntrackTimeout is { } range)
        {
            var timeout = stage.Conntrack.TimeoutOf(item.Before.Conntrack[0]);
            timeout.ShouldNotBeNull("the conntrack entry must be there");
            timeout.Value.ShouldBeInRange(range[0], range[1], "seconds that the conntrack entry has left");
        }
    }

    private FlowKey Key => new()
    {
        LocalIp = SlotIndex.ToNetwork(WellKnown.Ip(item.Flow.Local)),
        RemoteIp = SlotIndex.ToNetwork(WellKnown.Ip(item.Flow.Remote)),
        LocalPort = Network(item.Flow.LocalPort),
        RemotePort = Network(item.Flow.RemotePort),
        Protocol = (byte)item.Flow.Protocol,
    };

    /// <summary>With the port of the side that is asked: by what the entry says, else by where the packet goes.</summary>
    private FlowKey PairKey
    {
        get
        {
            var flags = Combine(item.Before.Entry?.Flags ?? []);
            var asksRemote = (flags & (EntryFlags.AskedEgress | EntryFlags.OpenedEgress)) != EntryFlags.None
                || ((flags & (EntryFlags.AskedIngress | EntryFlags.OpenedIngress)) == EntryFlags.None && IsEgress);
            return asksRemote
                ? new() { LocalIp = Key.LocalIp, RemoteIp = Key.RemoteIp, RemotePort = Key.RemotePort }
                : new() { LocalIp = Key.LocalIp, RemoteIp = Key.RemoteIp, LocalPort = Key.LocalPort };
        }
    }

    private static ushort EndpointSlot(string name) => (ushort)(name switch
    {
        "pod" => Stage.PodSlot,
        "other-pod" => Stage.OtherPodSlot,
        _ => throw new FormatException($"endpoint: {name} is neither pod nor other-pod"),
    });

    private static ushort NodeSlot(string name) => (ushort)(name switch
    {
        "none" => Layout.IndexNone,
        "remote-node" => Stage.RemoteNodeSlot,
        "other-node" => Stage.OtherNodeSlot,
        _ => throw new FormatException($"node: {name} is none of none, remote-node, other-node"),
    });

    private static ulong At(ulong now, int seconds) => now + (ulong)seconds * Second;

    private static int Seconds(string text) => int.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

    private static ushort Network(ushort port) => System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(port);

    private static ProtocolBits Combine(List<ProtocolBits> bits) => bits.Aggregate(ProtocolBits.None, static (all, bit) => all | bit);

    private static EntryFlags Combine(List<EntryFlags> flags) => flags.Aggregate(EntryFlags.None, static (all, flag) => all | flag);

    private static string Dump(byte[] packet)
    {
        var text = new StringBuilder();
        for (var i = 0; i < packet.Length; i++)
        {
            text.Append(i % 4 == 0 ? " " : "").Append(packet[i].ToString("x2", CultureInfo.InvariantCulture));
        }

        return text.ToString();
    }
}
